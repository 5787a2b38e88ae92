"""What each source is worth to an answer: Shapley values over the vote, or over a model's words."""
