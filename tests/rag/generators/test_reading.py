from rag.generators.reading import GeneratorReader
from rag.generators.recorded import RecordedGenerator
from rag.generators.records import Record
from rag.reranker import SentenceReranker
from rag.types import Evidence, Passage

QUESTION = "When was the Eiffel Tower completed?"
TRUE = Passage("The Eiffel Tower is in Paris. It was completed on 31 March 1889. Gustave led it.")
OTHER = Passage("The Louvre is a museum.")


def reader(answer, shown=(TRUE, OTHER), **options):
    generator = RecordedGenerator([Record(QUESTION, shown, answer)])
    return GeneratorReader(generator, **options)


def test_the_answer_is_the_generators_and_the_evidence_the_sentence_that_states_it(encoder):
    evidence = SentenceReranker(encoder).rank(QUESTION, [[TRUE, OTHER]])
    span = reader("31 March 1889").read(QUESTION, evidence)[0]
    assert span.text == "31 March 1889"
    assert span.evidence.sentence == "It was completed on 31 March 1889."
    assert span.evidence.passage == TRUE
    assert span.confidence == 1.0


def test_an_answer_in_other_words_has_the_best_ranked_sentence_and_no_confidence():
    ranked = [Evidence("It was completed.", TRUE, 0.9), Evidence("The Louvre.", OTHER, 0.1)]
    span = reader("yes").read(QUESTION, [ranked])[0]
    assert span.evidence == ranked[0]
    assert span.confidence == 0.0


def test_confidence_is_the_share_of_the_answers_words_that_the_sentence_repeats():
    ranked = [Evidence("Completed in 1889.", TRUE, 0.9), Evidence("March 1889.", OTHER, 0.1)]
    span = reader("31 March 1889").read(QUESTION, [ranked])[0]
    assert span.evidence == ranked[1]
    assert span.confidence == 2 / 3


def test_a_generator_that_abstains_gives_no_span():
    assert reader("I don't know").read(
        QUESTION, [[Evidence("It.", TRUE, 1), Evidence("A.", OTHER, 0)]]
    ) == [None]


def test_a_set_without_evidence_is_not_answered_from_memory():
    closed = GeneratorReader(RecordedGenerator([Record(QUESTION, (), "1889")]))
    assert closed.read(QUESTION, [[], []]) == [None, None]
    assert closed.read(QUESTION, []) == []


def test_only_the_best_passages_are_shown():
    ranked = [Evidence("Completed in 1889.", TRUE, 0.9), Evidence("The Louvre.", OTHER, 0.1)]
    assert reader("1889", (TRUE,), passages=1).read(QUESTION, [ranked])[0].text == "1889"
