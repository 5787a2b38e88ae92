import hashlib
import json
import shutil
import struct

import numpy as np
import pytest
from safetensors.numpy import load_file, save_file

from rag.errors import ModelError
from rag.lsh.decode_spec import DecodeSpec
from rag.lsh.model_spec import ModelSpec, describe_model
from rag.lsh.safetensors_digest import weights_root


@pytest.fixture
def folder(tmp_path):
    save_file(tensors(), tmp_path / "model.safetensors")
    return tmp_path


def tensors() -> dict[str, np.ndarray]:
    return {
        "b": np.arange(6, dtype=np.float32).reshape(2, 3),
        "a": np.ones(4, dtype=np.float16),
        "empty": np.zeros((0, 3), dtype=np.float32),
    }


def root_by_hand(named: dict[str, np.ndarray]) -> bytes:
    names = {"float32": "F32", "float16": "F16"}
    content = b""
    for name in sorted(named):
        array = named[name]
        label = json.dumps([name, names[str(array.dtype)], array.shape], separators=(",", ":"))
        content += struct.pack(">I", len(label)) + label.encode()
        content += hashlib.sha256(array.tobytes()).digest()
    return hashlib.sha256(content).digest()


def test_the_root_is_what_its_specification_says(folder):
    assert weights_root(folder) == root_by_hand(tensors())


def test_the_root_does_not_depend_on_how_weights_are_cut_into_files(folder, tmp_path):
    other = tmp_path / "other"
    other.mkdir()
    found = load_file(folder / "model.safetensors")
    save_file({"a": found["a"]}, other / "model-00002-of-00002.safetensors", {"format": "pt"})
    rest = {"b": found["b"], "empty": found["empty"]}
    save_file(rest, other / "model-00001-of-00002.safetensors")
    assert weights_root(other) == weights_root(folder)


@pytest.mark.parametrize(
    "change",
    [
        lambda t: t["b"].__setitem__((1, 2), 5.5),
        lambda t: t.__setitem__("b", t["b"].reshape(3, 2)),
        lambda t: t.__setitem__("c", t.pop("b")),
        lambda t: t.__setitem__("a", t["a"].view(np.int16)),
    ],
)
def test_any_change_of_a_tensor_changes_the_root(folder, change):
    before = weights_root(folder)
    changed = tensors()
    change(changed)
    save_file(changed, folder / "model.safetensors")
    assert weights_root(folder) != before


def test_the_same_tensor_in_two_files_is_refused(folder):
    shutil.copy(folder / "model.safetensors", folder / "extra.safetensors")
    with pytest.raises(ModelError, match="hold a tensor of the same name"):
        weights_root(folder)


def test_a_folder_without_weights_is_refused(tmp_path):
    with pytest.raises(ModelError, match="0 safetensors files"):
        weights_root(tmp_path)


def header(entry: object) -> bytes:
    content = json.dumps({"a": entry}).encode()
    return struct.pack("<Q", len(content)) + content + bytes(16)


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"\x08",
        struct.pack("<Q", 2**63) + b"{}",
        struct.pack("<Q", 50) + b"{}",
        struct.pack("<Q", 2) + b"[]",
        struct.pack("<Q", 4) + b"\xff\xff\xff\xff",
        header([]),
        header({"dtype": "F32", "shape": [4], "data_offsets": [0, 17]}),
        header({"dtype": "F32", "shape": [4], "data_offsets": [-8, 8]}),
        header({"dtype": "F32", "shape": [4], "data_offsets": [8, 0]}),
        header({"dtype": "F32", "shape": [4.0], "data_offsets": [0, 16]}),
        header({"dtype": "F32", "shape": [4]}),
        struct.pack("<Q", 200_000) + b"[" * 200_000,
    ],
)
def test_a_malformed_file_is_refused(tmp_path, content):
    (tmp_path / "model.safetensors").write_bytes(content)
    with pytest.raises(ModelError, match="is not a safetensors file"):
        weights_root(tmp_path)


def test_a_spec_names_what_was_loaded(small_llama):
    spec = describe_model(small_llama)
    assert spec.architecture == "LlamaForCausalLM"
    assert spec.weights_root == weights_root(small_llama.folder).hex()
    assert (spec.dtype, spec.attention, spec.quantization) == ("float32", "sdpa", "none")
    assert spec.engine.startswith("transformers ")


def test_saving_a_model_again_keeps_its_spec_and_another_shape_changes_it(small_llama, tmp_path):
    from dataclasses import replace

    small_llama.network.save_pretrained(tmp_path, max_shard_size="1MB")
    again = describe_model(replace(small_llama, folder=tmp_path))
    assert len(list(tmp_path.glob("*.safetensors"))) > 1
    assert again == describe_model(small_llama)
    config = json.loads((tmp_path / "config.json").read_text())
    (tmp_path / "config.json").write_text(json.dumps(config | {"rms_norm_eps": 1e-3}))
    assert describe_model(replace(small_llama, folder=tmp_path)) != again


@pytest.mark.parametrize("content", [None, "[]", "{", "[" * 100_000])
def test_a_config_that_cannot_be_read_is_refused(small_llama, tmp_path, content):
    from dataclasses import replace

    if content is not None:
        (tmp_path / "config.json").write_text(content)
    with pytest.raises(ModelError, match=r"config\.json cannot be read"):
        describe_model(replace(small_llama, folder=tmp_path))


@pytest.mark.parametrize("value", ["", "x" * 201, "line\nbreak", "naïve"])
def test_a_field_that_is_no_plain_name_is_refused(value):
    with pytest.raises(ModelError, match="model spec's engine"):
        ModelSpec("L", "0", "0", "float32", "none", "sdpa", value)


def test_specs_have_one_canonical_form():
    spec = ModelSpec("Llama", "ab", "cd", "float32", "none", "sdpa", "t 1")
    assert spec.canonical() == (
        b'{"architecture":"Llama","attention":"sdpa","config_digest":"cd","dtype":"float32",'
        b'"engine":"t 1","quantization":"none","weights_root":"ab"}'
    )
    assert DecodeSpec(700, 40, 950, 128, (2, 9)).canonical() == (
        b'{"end_tokens":[2,9],"max_tokens":128,"sampler":"gumbel-max-1",'
        b'"temperature_milli":700,"top_k":40,"top_p_milli":950}'
    )


@pytest.mark.parametrize(
    "fields",
    [
        {"temperature_milli": -1}, {"temperature_milli": 0.7}, {"temperature_milli": True},
        {"top_k": -1}, {"top_p_milli": 0}, {"top_p_milli": 1001}, {"max_tokens": 0},
        {"end_tokens": (2, 2)}, {"end_tokens": (3, 2)}, {"end_tokens": (-1,)},
        {"end_tokens": tuple(range(65))},
    ],
)  # fmt: skip
def test_sampler_parameters_out_of_range_are_refused(fields):
    with pytest.raises(ModelError):
        DecodeSpec(**fields)
