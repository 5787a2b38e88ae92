import json

import pytest

from rag.clustering import Clustering
from rag.entailment import NliModel
from rag.errors import ModelError

WORDS = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", *"which city is it new york big apple paris".split()]


@pytest.fixture(scope="module")
def folder(tmp_path_factory, one_thread):
    """A tiny classifier with random weights, saved as any model on the hub is."""
    import torch
    import transformers

    path = tmp_path_factory.mktemp("nli")
    (path / "vocab.txt").write_text("\n".join(WORDS))
    tokenizer = transformers.BertTokenizer(str(path / "vocab.txt"))
    config = transformers.BertConfig(
        vocab_size=len(WORDS), hidden_size=16, num_hidden_layers=1, num_attention_heads=2,
        intermediate_size=16, num_labels=3,
        id2label={0: "contradiction", 1: "neutral", 2: "ENTAILMENT"},
        label2id={"contradiction": 0, "neutral": 1, "ENTAILMENT": 2},
    )  # fmt: skip
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        model = transformers.BertForSequenceClassification(config)
    model.save_pretrained(path)
    tokenizer.save_pretrained(path)
    return path


def by_hand(folder, premise, hypothesis):
    import torch
    import transformers

    tokenizer = transformers.AutoTokenizer.from_pretrained(folder)
    model = transformers.AutoModelForSequenceClassification.from_pretrained(folder).eval()
    with torch.inference_mode():
        logits = model(**tokenizer(premise, hypothesis, return_tensors="pt")).logits
    return float(torch.softmax(logits, dim=-1)[0, 2])


def test_the_probability_is_that_of_the_entailment_label(folder):
    pairs = [("new york", "big apple"), ("which city is it paris", "it is new york")] * 10
    found = NliModel(folder).entails(pairs)
    assert found[:2] == pytest.approx([by_hand(folder, *pair) for pair in pairs[:2]], abs=1e-5)
    assert found[18:] == pytest.approx(found[:2], abs=1e-5)
    assert NliModel(folder).entails([]) == []


def test_a_model_decides_what_words_leave_open(folder):
    model = NliModel(folder)
    answers = ["the big apple", "york city"]
    likely = min(
        *model.entails([("which city is it " + answers[0], "which city is it " + answers[1])]),
        *model.entails([("which city is it " + answers[1], "which city is it " + answers[0])]),
    )
    for limit, groups in ((likely - 0.01, 1), (likely + 0.01, 2)):
        clustering = Clustering(entailment=model, entailed=limit)
        assert len(clustering.groups("which city is it", answers)) == groups


def test_a_model_without_an_entailment_label_is_refused(folder, tmp_path):
    for file in folder.iterdir():
        (tmp_path / file.name).write_bytes(file.read_bytes())
    config = json.loads((tmp_path / "config.json").read_text())
    config["id2label"] = {"0": "LABEL_0", "1": "LABEL_1", "2": "LABEL_2"}
    (tmp_path / "config.json").write_text(json.dumps(config))
    with pytest.raises(ModelError, match="no label that says entailment"):
        NliModel(tmp_path)


def test_an_encoder_without_its_classifier_is_refused(folder, tmp_path):
    import transformers

    transformers.AutoModel.from_pretrained(folder).save_pretrained(tmp_path)
    for name in ("tokenizer.json", "tokenizer_config.json"):
        (tmp_path / name).write_bytes((folder / name).read_bytes())
    (tmp_path / "config.json").write_bytes((folder / "config.json").read_bytes())
    with pytest.raises(ModelError, match="lacks 2 of its tensors"):
        NliModel(tmp_path)


def test_a_pickled_model_and_a_missing_folder_are_refused(folder, tmp_path):
    for file in folder.iterdir():
        if file.suffix != ".safetensors":
            (tmp_path / file.name).write_bytes(file.read_bytes())
    (tmp_path / "pytorch_model.bin").write_bytes(b"\x80\x04.")
    with pytest.raises(ModelError, match="cannot be loaded"):
        NliModel(tmp_path)
    with pytest.raises(ModelError, match="neither a folder nor"):
        NliModel(tmp_path / "nowhere")
