"""Thirty small models of torchvision, timm and transformers, each with one batch and one training step.

They are built from their configurations: no weights are downloaded.  They were chosen as what people train,
before it was known which operations `samebits.portable` defines.  Where a constructor has sizes, they are
small.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

Loss = Callable[[], Tensor]


@dataclass
class Task:
    """A model and one batch.

    Attributes:
        loss: of the model on its batch.
        optimizer: of the model's parameters.
    """

    model: nn.Module
    loss: Loss
    optimizer: torch.optim.Optimizer

    def step(self) -> Tensor:
        """Train one step; the loss before it."""
        self.optimizer.zero_grad()
        loss = self.loss()
        loss.backward()  # type: ignore[no-untyped-call]
        self.optimizer.step()
        return loss.detach()


def _sgd(model: nn.Module) -> torch.optim.Optimizer:
    return torch.optim.SGD(model.parameters(), lr=0.01, momentum=0.9, weight_decay=1e-4)


def _adamw(model: nn.Module) -> torch.optim.Optimizer:
    return torch.optim.AdamW(model.parameters(), lr=1e-4, weight_decay=0.05)


def _images(size: int, batch: int = 4) -> Tensor:
    return torch.rand(batch, 3, size, size)


def _tokens(vocabulary: int, length: int = 32, batch: int = 4) -> Tensor:
    return torch.randint(5, vocabulary, (batch, length))


def _classifier(model: nn.Module, size: int, batch: int = 4) -> tuple[nn.Module, Loss]:
    images, labels = _images(size, batch), torch.randint(10, (batch,))

    def loss() -> Tensor:
        return F.cross_entropy(model(images), labels, label_smoothing=0.1)

    return model, loss


def _torchvision(name: str, size: int) -> tuple[nn.Module, Loss]:
    from torchvision.models import get_model

    return _classifier(get_model(name, weights=None, num_classes=10), size)


def _vit() -> tuple[nn.Module, Loss]:
    from torchvision.models import VisionTransformer

    model = VisionTransformer(
        image_size=64, patch_size=8, num_layers=4, num_heads=4, hidden_dim=128, mlp_dim=256, dropout=0.1,
        num_classes=10,
    )  # fmt: skip
    return _classifier(model, 64)


def _swin() -> tuple[nn.Module, Loss]:
    from torchvision.models import SwinTransformer

    model = SwinTransformer(
        patch_size=[4, 4], embed_dim=48, depths=[2, 2], num_heads=[3, 6], window_size=[7, 7],
        stochastic_depth_prob=0.2, num_classes=10,
    )  # fmt: skip
    return _classifier(model, 64)


def _convnext() -> tuple[nn.Module, Loss]:
    from torchvision.models.convnext import CNBlockConfig, ConvNeXt

    blocks = [CNBlockConfig(40, 80, 2), CNBlockConfig(80, 160, 2), CNBlockConfig(160, None, 2)]
    return _classifier(ConvNeXt(blocks, stochastic_depth_prob=0.1, num_classes=10), 64)


def _deeplab() -> tuple[nn.Module, Loss]:
    from torchvision.models.segmentation import deeplabv3_mobilenet_v3_large

    model = deeplabv3_mobilenet_v3_large(weights=None, weights_backbone=None, num_classes=5, aux_loss=True)
    images, labels = _images(96, 2), torch.randint(5, (2, 96, 96))
    labels[:, :2] = 255

    def loss() -> Tensor:
        out = model(images)
        main, aux = (F.cross_entropy(out[key], labels, ignore_index=255) for key in ("out", "aux"))
        return main + 0.5 * aux

    return model, loss


def _retinanet() -> tuple[nn.Module, Loss]:
    from torchvision.models.detection import retinanet_resnet50_fpn

    model = retinanet_resnet50_fpn(
        weights=None,
        weights_backbone=None,
        num_classes=5,
        min_size=128,
        max_size=160,
        trainable_backbone_layers=5,
    )
    images = list(torch.rand(2, 3, 120, 140))
    boxes = torch.tensor([[10.0, 12.0, 60.0, 80.0], [50.0, 30.0, 120.0, 100.0]])
    targets = [{"boxes": boxes, "labels": torch.tensor([1, 3])} for _ in images]

    def loss() -> Tensor:
        losses: dict[str, Tensor] = model(images, targets)
        return torch.stack(list(losses.values())).sum()

    return model, loss


def _timm(name: str, size: int, fixed: bool = False) -> tuple[nn.Module, Loss]:
    """`fixed`: the model's constructor takes the size of the images."""
    import timm

    options: dict[str, Any] = {"img_size": size} if fixed else {}
    return _classifier(timm.create_model(name, pretrained=False, num_classes=10, **options), size)


def _of(model: nn.Module, **batch: Any) -> tuple[nn.Module, Loss]:
    """A model of transformers, which computes its loss itself."""
    model.train()

    def loss() -> Tensor:
        result: Tensor = model(**batch).loss
        return result

    return model, loss


def _bert() -> tuple[nn.Module, Loss]:
    from transformers import BertConfig, BertForMaskedLM

    config = BertConfig(
        vocab_size=500, hidden_size=128, num_hidden_layers=2, num_attention_heads=4, intermediate_size=256
    )
    tokens, mask = _tokens(500), torch.ones(4, 32, dtype=torch.long)
    mask[1, 20:] = 0
    labels = tokens.masked_fill(torch.rand(4, 32) > 0.15, -100)
    return _of(BertForMaskedLM(config), input_ids=tokens, attention_mask=mask, labels=labels)


def _distilbert() -> tuple[nn.Module, Loss]:
    from transformers import DistilBertConfig, DistilBertForSequenceClassification

    config = DistilBertConfig(vocab_size=500, dim=128, n_layers=2, n_heads=4, hidden_dim=256)
    mask = torch.ones(4, 32, dtype=torch.long)
    mask[2, 25:] = 0
    return _of(
        DistilBertForSequenceClassification(config),
        input_ids=_tokens(500), attention_mask=mask, labels=torch.randint(2, (4,)),
    )  # fmt: skip


def _gpt2() -> tuple[nn.Module, Loss]:
    from transformers import GPT2Config, GPT2LMHeadModel

    tokens = _tokens(500)
    model = GPT2LMHeadModel(GPT2Config(vocab_size=500, n_positions=64, n_embd=128, n_layer=2, n_head=4))
    return _of(model, input_ids=tokens, labels=tokens)


def _opt() -> tuple[nn.Module, Loss]:
    from transformers import OPTConfig, OPTForCausalLM

    config = OPTConfig(
        vocab_size=500, hidden_size=128, num_hidden_layers=2, ffn_dim=256, num_attention_heads=4,
        max_position_embeddings=64, word_embed_proj_dim=128,
    )  # fmt: skip
    tokens = _tokens(500)
    return _of(OPTForCausalLM(config), input_ids=tokens, labels=tokens)


def _t5() -> tuple[nn.Module, Loss]:
    from transformers import T5Config, T5ForConditionalGeneration

    config = T5Config(
        vocab_size=500, d_model=128, d_kv=32, d_ff=256, num_layers=2, num_heads=4, decoder_start_token_id=0
    )
    return _of(T5ForConditionalGeneration(config), input_ids=_tokens(500), labels=_tokens(500, 20))


def _llama() -> tuple[nn.Module, Loss]:
    from transformers import LlamaConfig, LlamaForCausalLM

    config = LlamaConfig(
        vocab_size=500, hidden_size=128, intermediate_size=256, num_hidden_layers=2, num_attention_heads=4,
        num_key_value_heads=2, max_position_embeddings=64,
    )  # fmt: skip
    tokens = _tokens(500)
    return _of(LlamaForCausalLM(config), input_ids=tokens, labels=tokens)


def _qwen2() -> tuple[nn.Module, Loss]:
    from transformers import Qwen2Config, Qwen2ForCausalLM

    config = Qwen2Config(
        vocab_size=500, hidden_size=128, intermediate_size=256, num_hidden_layers=2, num_attention_heads=4,
        num_key_value_heads=2, max_position_embeddings=64, tie_word_embeddings=True,
    )  # fmt: skip
    tokens, mask = _tokens(500), torch.ones(4, 32, dtype=torch.long)
    mask[0, :6] = 0  # padded on the left
    return _of(Qwen2ForCausalLM(config), input_ids=tokens, attention_mask=mask, labels=tokens)


def _mamba() -> tuple[nn.Module, Loss]:
    from transformers import MambaConfig, MambaForCausalLM

    tokens = _tokens(500)
    config = MambaConfig(vocab_size=500, hidden_size=64, state_size=8, num_hidden_layers=2)
    return _of(MambaForCausalLM(config), input_ids=tokens, labels=tokens)


def _whisper() -> tuple[nn.Module, Loss]:
    from transformers import WhisperConfig, WhisperForConditionalGeneration

    config = WhisperConfig(
        vocab_size=500, num_mel_bins=20, encoder_layers=2, decoder_layers=2, encoder_attention_heads=4,
        decoder_attention_heads=4, d_model=64, encoder_ffn_dim=128, decoder_ffn_dim=128,
        max_source_positions=100, max_target_positions=64, dropout=0.1,
        pad_token_id=0, bos_token_id=1, eos_token_id=2, decoder_start_token_id=3,
    )  # fmt: skip
    return _of(
        WhisperForConditionalGeneration(config),
        input_features=torch.randn(2, 20, 200),
        labels=_tokens(500, 20, 2),
    )


def _wav2vec2() -> tuple[nn.Module, Loss]:
    from transformers import Wav2Vec2Config, Wav2Vec2ForCTC

    config = Wav2Vec2Config(
        vocab_size=32, hidden_size=64, num_hidden_layers=2, num_attention_heads=4, intermediate_size=128,
        conv_dim=(32,) * 7, num_conv_pos_embeddings=16, num_conv_pos_embedding_groups=4, mask_time_length=2,
    )  # fmt: skip
    return _of(
        Wav2Vec2ForCTC(config), input_values=torch.randn(2, 16000), labels=torch.randint(1, 32, (2, 12))
    )


Made = Callable[[], tuple[nn.Module, Loss]]
Optimizer = Callable[[nn.Module], torch.optim.Optimizer]

#: Name -> what makes the model, and what trains it.
ZOO: dict[str, tuple[Made, Optimizer]] = {
    "torchvision/resnet18": (lambda: _torchvision("resnet18", 64), _sgd),
    "torchvision/mobilenet_v3_small": (lambda: _torchvision("mobilenet_v3_small", 64), _sgd),
    "torchvision/shufflenet_v2_x0_5": (lambda: _torchvision("shufflenet_v2_x0_5", 64), _sgd),
    "torchvision/densenet121": (lambda: _torchvision("densenet121", 64), _sgd),
    "torchvision/efficientnet_b0": (lambda: _torchvision("efficientnet_b0", 64), _sgd),
    "torchvision/vit": (_vit, _adamw),
    "torchvision/swin": (_swin, _adamw),
    "torchvision/convnext": (_convnext, _adamw),
    "torchvision/deeplabv3_mobilenet_v3_large": (_deeplab, _sgd),
    "torchvision/retinanet_resnet50_fpn": (_retinanet, _sgd),
    "timm/resnetv2_50x1_bit": (lambda: _timm("resnetv2_50x1_bit", 64), _sgd),
    "timm/mixer_s32_224": (lambda: _timm("mixer_s32_224", 128, fixed=True), _adamw),
    "timm/deit_tiny_patch16_224": (lambda: _timm("deit_tiny_patch16_224", 64, fixed=True), _adamw),
    "timm/levit_128s": (lambda: _timm("levit_128s", 224), _adamw),
    "timm/mobilevit_xxs": (lambda: _timm("mobilevit_xxs", 128), _adamw),
    "timm/xcit_nano_12_p16_224": (lambda: _timm("xcit_nano_12_p16_224", 96), _adamw),
    "timm/pit_ti_224": (lambda: _timm("pit_ti_224", 224), _adamw),
    "timm/hrnet_w18_small": (lambda: _timm("hrnet_w18_small", 64), _sgd),
    "timm/nfnet_l0": (lambda: _timm("nfnet_l0", 64), _sgd),
    "timm/crossvit_tiny_240": (lambda: _timm("crossvit_tiny_240", 240), _adamw),
    "transformers/bert": (_bert, _adamw),
    "transformers/distilbert": (_distilbert, _adamw),
    "transformers/gpt2": (_gpt2, _adamw),
    "transformers/opt": (_opt, _adamw),
    "transformers/t5": (_t5, _adamw),
    "transformers/llama": (_llama, _adamw),
    "transformers/qwen2": (_qwen2, _adamw),
    "transformers/mamba": (_mamba, _adamw),
    "transformers/whisper": (_whisper, _adamw),
    "transformers/wav2vec2": (_wav2vec2, _adamw),
}


def task(name: str) -> Task:
    """The model `name` with its batch, the same each time."""
    make, optimizer = ZOO[name]
    torch.manual_seed(0)
    np.random.seed(0)  # of the masks of wav2vec2
    model, loss = make()
    return Task(model.train(), loss, optimizer(model))
