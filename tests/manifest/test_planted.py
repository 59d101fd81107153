"""Secrets in the forms in which people leave them: none stays, and what is none stays as it is.

The whole of it, through `samebits record` and every byte of the run folder: benchmarks/trust/secrets.py.
"""

import sys
from pathlib import Path

import pytest

from samebits.manifest import redact, redacted, variables
from samebits.manifest.secrets import LEFT_OUT, redact_data, redact_path

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))
from benchmarks.trust.secrets import Plant, plants

PLANTED = [plant for seed in range(3) for plant in plants(seed)]


@pytest.mark.parametrize("plant", PLANTED, ids=[f"{i}-{plant.place}" for i, plant in enumerate(PLANTED)])
def test_planted_secrets_are_left_out(plant: Plant) -> None:
    if plant.place == "argv":
        kept = "\0".join(redacted(["train.py", *plant.text.split("\0"), "--lr", "1"]))
        assert kept.endswith("--lr\x001")
    elif plant.place == "variable":
        kept = str(variables({"NCCL_NET": plant.text, "OMP_NUM_THREADS": "2"}))
        assert "OMP_NUM_THREADS" in kept
    else:
        text = f"import os\n\n\n{plant.text}\n\n\nx = 1\n"
        kept = redact(text)
        assert kept.count("\n") == text.count("\n")
        assert kept.startswith("import os\n")
        assert kept.endswith("\nx = 1\n")
        changed = "".join("+" + line for line in text.splitlines(keepends=True))
        kept += redact(changed)
    assert not any(part.decode() in kept for part in plant.parts())


@pytest.mark.parametrize(
    "line",
    [
        "tokenizer.pad_token = '<pad>'",
        "parser.add_argument('--image-key', default='image')",
        "token_embedding = nn.Embedding(vocab_size, n_embd)",
        "tokens = tokenizer.encode(text, add_special_tokens=True)",
        "def loss(key: str, token: Tensor, password: str | None = None) -> float:",
        "sha256 = '9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08'",
        "revision = '83d9cd684c87d95d656c1458ef04895a7f1cbd8e'",
        "run = '123e4567-e89b-12d3-a456-426614174000'",
        "url = 'https://download.pytorch.org/models/resnet50-0676ba61.pth'",
        "api_key = os.environ['WANDB_API_KEY']",
        "for key, value in state_dict.items():",
        "model.load_state_dict(torch.load('checkpoint_epoch_100_step_20000.pt'))",
        "assert hidden_states.shape == (batch_size, sequence_length, 768)",
        "name = 'vit_base_patch16_clip_224.openai_ft_in12k_in1k'",
    ],
)
def test_lines_of_training_scripts_stay(line: str) -> None:
    assert redact(f"import torch\n{line}\n") == f"import torch\n{line}\n"


@pytest.mark.parametrize(
    "argv",
    [
        ["-p", "8080"],
        ["--key-dim", "64"],
        ["--token-length", "128"],
        ["--num-keys", "3"],
        ["--tokenizer", "bert"],
        ["--author", "Ada"],
        ["--pad-token", "<pad>"],
        ["--max-tokens", "128"],
        ["--max-tokens=128"],
        ["--model", "resnet50", "--data=/data/imagenet"],
        ["-m", "package.train", "trainer.max_epochs=3"],
        ["--image-key", "jpg"],
        ["--checkpoint", "https://download.pytorch.org/models/resnet50-0676ba61.pth"],
    ],
)
def test_ordinary_options_stay(argv: list[str]) -> None:
    assert redacted(argv) == argv


@pytest.mark.parametrize(
    ("argv", "kept"),
    [
        (["--openai-key", "abc"], ["--openai-key", LEFT_OUT]),
        (["--wandb-key=abc"], [f"--wandb-key={LEFT_OUT}"]),
        (["-p", "hunter2"], ["-p", LEFT_OUT]),
        (["-phunter22"], [f"-p{LEFT_OUT}"]),
        (["--password", "12345"], ["--password", LEFT_OUT]),
        (["--api-keys", "abc", "def", "--lr", "1"], ["--api-keys", LEFT_OUT, LEFT_OUT, "--lr", "1"]),
        (["-H", "X-Api-Key: abc"], ["-H", f"X-Api-Key: {LEFT_OUT}"]),
        (["wandb.api_key=abc", "model.key_dim=64"], [f"wandb.api_key={LEFT_OUT}", "model.key_dim=64"]),
        (
            ["bash", "-c", "TOKEN=abc python t.py --lr 1"],
            ["bash", "-c", f"TOKEN={LEFT_OUT} python t.py --lr 1"],
        ),
    ],
)
def test_secret_options(argv: list[str], kept: list[str]) -> None:
    assert redacted(argv) == kept


def test_a_cut_key_goes_to_its_end() -> None:
    lines = ["-----BEGIN " + "PRIVATE KEY-----", *["QUJD" * 16] * 3]
    assert "QUJD" not in redact("\n".join(["x = 1", *lines]))


def test_paths_and_plain_data() -> None:
    assert redact_path("/data/0a1b2c3d4e5f60718293a4b5c6d7e8f901234567.jpg").endswith("567.jpg")
    assert "abcd1234" not in redact_path("https://example.org/x?token=abcd1234")
    assert redact_data({"a": ["password = 'hunter2'", 1, None]}) == {
        "a": [f"password = '{LEFT_OUT}'", 1, None]
    }


def test_a_line_without_end_is_looked_at_in_pieces() -> None:
    """A program may print megabytes without a line break; the square of that would never end."""
    from samebits.manifest.secrets import LEFT_OUT, redact

    secret = "Tr0ub" + "4dorAbc7"
    line = "x " * 3000 + f'password = "{secret}" ' + "y " * 3000
    shown = redact(line)
    assert secret not in shown
    assert LEFT_OUT in shown
    assert shown.count("x ") == shown.count("y ") == 3000
    assert redact("password=" * 20_000).count("\n") == 0  # minutes, if it were


@pytest.mark.parametrize(
    "text",
    [
        "login failed for password 'Gy6hbVc4fd' at host",
        'config = {"password":\n    "Gy6hbVc4fd"}',
        'PASSWORD = (\n    "Gy6hbVc4fd"\n)',
        'SECRET = """\nGy6hbVc4fd"""',
        'connect(password=  # odd\n    "Gy6hbVc4fd")',
    ],
)
def test_a_value_that_stands_apart_from_its_name(text: str) -> None:
    assert redact(text) == text.replace("Gy6hbVc4fd", LEFT_OUT)


@pytest.mark.parametrize("option", ["--pw", "--pat", "--db-pw"])
def test_short_names_of_options(option: str) -> None:
    assert redacted(["train.py", option, "Gy6hbVc4fd"]) == ["train.py", option, LEFT_OUT]


@pytest.mark.parametrize(
    "text",
    [
        'the password "must" be long',
        'self.tokens = [\n    "hello",\n]',
        'def f(token,\n      x="layer1"): ...',
        'pad_token: str = \\\n    "abc"',
    ],
)
def test_what_only_stands_near_such_a_word_stays(text: str) -> None:
    assert redact(text) == text
