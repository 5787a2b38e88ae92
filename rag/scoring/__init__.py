"""What sources are worth: judgements, evidence in three ledgers, and who is to be believed."""
