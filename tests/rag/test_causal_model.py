import json
import shutil

import pytest
import torch

from rag.causal_model import load_causal_model
from rag.errors import ModelError


@pytest.fixture
def folder(small_llama_folder, tmp_path):
    return shutil.copytree(small_llama_folder, tmp_path / "model")


def edit(path, **changes):
    path.write_text(json.dumps(json.loads(path.read_text()) | changes))


def test_a_saved_model_is_loaded_with_what_it_is(small_llama, small_llama_folder):
    assert small_llama.folder == small_llama_folder
    assert (small_llama.dimensions, small_llama.vocabulary, small_llama.context) == (128, 512, 1024)
    assert small_llama.network.training is False
    assert small_llama.network.config._attn_implementation == "sdpa"


@pytest.mark.parametrize("dtype", ["bfloat16", "float16"])
@pytest.mark.parametrize("attention", ["eager", "sdpa"])
def test_numbers_and_kernels_are_those_asked_for(folder, dtype, attention):
    model = load_causal_model(folder, dtype=dtype, attention=attention)
    assert model.network.dtype == getattr(torch, dtype)
    assert model.network.config._attn_implementation == attention


def test_text_becomes_tokens_and_tokens_text(small_llama):
    tokens = small_llama.tokens("The Nile ends in the sea.")
    assert tokens[0] == small_llama.tokenizer.bos_token_id
    assert small_llama.text(tokens) == "The Nile ends in the sea."


def test_weights_that_are_a_pickle_are_refused(folder):
    weights = load_causal_model(folder).network.state_dict()
    (folder / "model.safetensors").unlink()
    torch.save(weights, folder / "pytorch_model.bin")
    with pytest.raises(ModelError, match="cannot be loaded"):
        load_causal_model(folder)


def test_code_in_a_repository_is_never_run(folder, tmp_path):
    mark = tmp_path / "ran"
    (folder / "modeling_other.py").write_text(f"open({str(mark)!r}, 'w')\n")
    auto = {"AutoConfig": "modeling_other.C", "AutoModelForCausalLM": "modeling_other.M"}
    edit(folder / "config.json", auto_map=auto, model_type="other")
    with pytest.raises(ModelError, match="cannot be loaded"):
        load_causal_model(folder)
    assert not mark.exists()


@pytest.mark.parametrize(
    ("file", "content"),
    [
        ("config.json", "[]"),
        ("config.json", "{}"),
        ("config.json", '{"model_type":"llama","hidden_size":"x"}'),
        ("tokenizer.json", "["),
        ("tokenizer.json", "[]"),
        ("tokenizer.json", '{"version":"1.0","model":{}}'),
        ("tokenizer_config.json", "[]"),
        ("generation_config.json", "[]"),
        ("generation_config.json", '{"eos_token_id":"x"}'),
    ],
)
def test_a_malformed_folder_is_an_error_and_no_traceback(folder, file, content):
    (folder / file).write_text(content)
    with pytest.raises(ModelError, match="cannot be loaded"):
        load_causal_model(folder)


def test_weights_that_are_missing_are_not_made_up(folder):
    edit(folder / "config.json", num_hidden_layers=5)
    with pytest.raises(ModelError, match=r"lacks 9 of the tensors .* model\.layers\.4\."):
        load_causal_model(folder)


def test_weights_cut_short_are_refused(folder):
    weights = folder / "model.safetensors"
    weights.write_bytes(weights.read_bytes()[:-1000])
    with pytest.raises(ModelError, match="cannot be loaded"):
        load_causal_model(folder)


def test_weights_of_another_shape_are_refused(folder):
    edit(folder / "config.json", intermediate_size=96)
    with pytest.raises(ModelError, match="cannot be loaded"):
        load_causal_model(folder)


@pytest.mark.parametrize("name", ["/nonexistent/model", "no-such-folder", "a/b/c", "../x", ""])
def test_a_name_that_is_neither_folder_nor_id_is_refused(name):
    with pytest.raises(ModelError, match="There is no folder"):
        load_causal_model(name)


@pytest.mark.parametrize(
    ("option", "message"),
    [
        ({"dtype": "int3"}, "no dtype 'int3'. Use one of: float32"),
        ({"attention": "someone/their-kernel"}, "no attention 'someone/their-kernel'"),
        ({"device": "toaster"}, "on toaster: "),
    ],
)
def test_what_a_machine_does_not_have_is_named(folder, option, message):
    with pytest.raises(ModelError, match=message):
        load_causal_model(folder, **option)


def test_a_model_that_cannot_be_fetched_is_named_with_a_way_out(monkeypatch):
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", True)
    with pytest.raises(ModelError, match=r"no-such-model cannot be fetched .* give its folder"):
        load_causal_model("nobody/no-such-model")
