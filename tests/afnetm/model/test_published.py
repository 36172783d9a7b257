"""Weights that timm publishes: downloaded once from the endpoint that the environment names."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
import timm
import torch
from safetensors.torch import save_file

from afnetm.data.decoding import TEXTURE_DEVIATION, TEXTURE_MEAN
from afnetm.model.encoder import Encoder, EncoderSpec, Normalised, given_weights
from afnetm.model.stream import Stream

NAME = "test_resnet"
PROGRAM = """
import hashlib, os, sys, threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
content, asked = Path(sys.argv[1]).read_bytes(), []
class Hub(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    def do_HEAD(self, body=b""):
        asked.append(self.path)
        known = self.path.endswith("/resolve/main/model.safetensors") and "test_resnet" in self.path
        self.send_response(200 if known else 404)
        self.send_header("ETag", '"%s"' % hashlib.sha256(content).hexdigest())
        self.send_header("X-Repo-Commit", "a" * 40)
        self.send_header("Content-Length", str(len(content) if known else 0))
        self.end_headers()
        self.wfile.write(body if known else b"")
    def do_GET(self):
        self.do_HEAD(content)
    def log_message(self, *_):
        pass
hub = ThreadingHTTPServer(("127.0.0.1", 0), Hub)
threading.Thread(target=hub.serve_forever, daemon=True).start()
os.environ["HF_ENDPOINT"] = f"http://127.0.0.1:{hub.server_port}"
import torch
from afnetm.errors import UserError
from afnetm.model.encoder import Encoder, EncoderSpec
from afnetm.model.weights import published_file
one = Encoder(EncoderSpec(name="test_resnet", weights="timm"), 3)
other = Encoder(EncoderSpec(name="test_resnet", weights=sys.argv[1]), 3)
assert all(torch.equal(a, b) for a, b in zip(one.state_dict().values(), other.state_dict().values(), strict=True))
assert published_file("test_resnet").read_bytes() == content
hub.shutdown(); hub.server_close()
count = len(asked)
published_file.cache_clear()
Encoder(EncoderSpec(name="test_resnet", weights="timm"), 4)  # from the cache
assert len(asked) == count
try:
    Encoder(EncoderSpec(name="test_convnext", weights="timm"), 3)
except UserError as error:
    print(error)
"""


def test_they_are_downloaded_once_and_where_they_cannot_be_one_line_says_so(tmp_path: Path) -> None:
    torch.manual_seed(0)
    save_file(timm.create_model(NAME).state_dict(), tmp_path / "model.safetensors")
    environment = {**os.environ, "HF_HOME": str(tmp_path / "hub"), "HF_HUB_DISABLE_XET": "1"}
    environment.pop("HF_HUB_OFFLINE", None)
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM, str(tmp_path / "model.safetensors")],
        capture_output=True,
        text=True,
        env=environment,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.count("\n") == 1
    assert done.stdout.startswith(
        "encoder weights 'timm': timm/test_convnext.r160_in1k is not in the cache and cannot be"
    )
    assert done.stdout.endswith("; connect once, or give a file: weights = 'FILE.safetensors'\n")


@pytest.mark.parametrize("name", ["test_resnet", "test_vit"])
def test_texture_reaches_given_weights_as_they_were_trained_with_it(name: str, tmp_path: Path) -> None:
    network = timm.create_model(name, img_size=64) if name == "test_vit" else timm.create_model(name)
    save_file(network.state_dict(), tmp_path / "w.safetensors")
    spec = EncoderSpec(name=name, size=64, weights=str(tmp_path / "w.safetensors"))
    stream, bare = Stream(spec, 3).eval(), Stream(EncoderSpec(**{**vars(spec), "normalise": False}), 3).eval()
    pixels = torch.rand(2, 3, 64, 64)  # 0..1
    config = timm.get_pretrained_cfg(name)
    mean, deviation = (torch.tensor(values).view(1, 3, 1, 1) for values in (config.mean, config.std))
    with torch.no_grad():
        expected = bare((pixels - mean) / deviation)
        found = stream((pixels - TEXTURE_MEAN) / TEXTURE_DEVIATION)
    torch.testing.assert_close(found, expected, atol=1e-4, rtol=1e-4)


def test_random_weights_are_not_normalised_for_and_depth_is_left_as_it_is(tmp_path: Path) -> None:
    save_file(timm.create_model(NAME).state_dict(), tmp_path / "w.safetensors")
    given = EncoderSpec(name=NAME, weights=str(tmp_path / "w.safetensors"))

    def normalised(spec: EncoderSpec, channels: int) -> bool:
        return any(isinstance(module, Normalised) for module in Encoder(spec, channels).modules())

    assert [normalised(given, channels) for channels in (3, 4)] == [True, False]
    assert not normalised(EncoderSpec(name=NAME), 3)


def test_depth_may_have_weights_of_its_own(tmp_path: Path) -> None:
    spec = EncoderSpec(weights="a.safetensors", depth_weights="b.safetensors")
    assert [given_weights(spec, channels) for channels in (3, 1, 4, 7)] == [
        *("a.safetensors", "b.safetensors", "b.safetensors", "a.safetensors")
    ]
    assert given_weights(EncoderSpec(weights="a.safetensors"), 4) == "a.safetensors"
    assert given_weights(EncoderSpec(depth_weights="b.safetensors"), 3) is None
