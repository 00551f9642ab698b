"""Whisper's decoder: hidden vectors of an utterance -> its text in Whisper's own tokens, in a language that is given.

The text follows ``<|startoftranscript|> <|nl|> <|transcribe|> <|notimestamps|>`` (Radford et al. 2022, section 2.3); an
English model's has no language and no task. Greedy writing leaves out the tokens that the folder's
``generation_config.json`` suppresses, as transformers' ``generate`` does.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from lightning_modules.layers.pretrained_model import load_generation, load_pretrained, load_tokenizer

LONGEST_TEXT = 224  # tokens that Whisper writes of one window, half of its positions
NOT_SCORED = -100  # of cross_entropy


class WhisperText(nn.Module):
    """The decoder of a local folder. Raises ``ValueError`` for one without tokenizer or generation settings."""

    def __init__(self, *, folder: str) -> None:
        super().__init__()
        self.folder = folder
        self.model = load_pretrained(folder, model_type="whisper", decoder_layerdrop=0.0).decoder
        self._tokenizer = load_tokenizer(folder)
        settings = load_generation(folder)
        self._languages: dict[str, int] = settings.get("lang_to_id") or {}
        self._task = (settings.get("task_to_id") or {}).get("transcribe")
        lacking = [name for name in ("decoder_start_token_id", "no_timestamps_token_id", "eos_token_id")
                   if settings.get(name) is None]  # fmt: skip
        if lacking or (self._languages and self._task is None):
            raise ValueError(f"folder {folder!r}: generation_config.json lacks {', '.join(lacking) or 'task_to_id'}")
        self._start, self._no_times, self._end = (
            int(settings[f"{name}_token_id"]) for name in ("decoder_start", "no_timestamps", "eos")
        )
        special = range(self._end + 1, self.model.config.vocab_size)  # languages, tasks and times stand behind the end
        self._never = sorted({*settings.get("suppress_tokens", ()), *special})
        self._not_first = list(settings.get("begin_suppress_tokens", ()))

    def prompt(self, language: str) -> list[int]:
        """What comes before a text. Raises ``ValueError`` for a language that the model was not trained on."""
        token = self._languages.get(f"<|{language}|>")
        if self._languages and token is None:
            known = ", ".join(sorted(name[2:-2] for name in self._languages))
            raise ValueError(f"folder {self.folder!r} knows no language {language!r}, allowed: {known}")
        if not self._languages and language != "en":
            raise ValueError(f"folder {self.folder!r} writes English alone, and the corpus has {language!r}")
        middle = [token, self._task] if token is not None and self._task is not None else []
        return [self._start, *middle, self._no_times]

    def loss(self, hidden_BTH: Tensor, texts: Sequence[str], languages: Sequence[str]) -> Tensor:
        """``-log P(text | X)`` with its end, (B,), of windows of one length. Raises ``ValueError`` for a long text."""
        prompts = [self.prompt(language) for language in languages]
        spelled = [[*self._tokens(text), self._end] for text in texts]
        rows = [prompt + tokens[:-1] for prompt, tokens in zip(prompts, spelled, strict=True)]
        width = max(map(len, rows))
        inputs_BU = torch.full((len(rows), width), self._end)
        targets_BU = torch.full((len(rows), width), NOT_SCORED)
        for row, (prompt, tokens) in enumerate(zip(prompts, spelled, strict=True)):
            inputs_BU[row, : len(rows[row])] = torch.tensor(rows[row])
            targets_BU[row, len(prompt) - 1 : len(rows[row])] = torch.tensor(tokens)
        hidden_BUH = self.model(input_ids=inputs_BU.to(hidden_BTH.device), encoder_hidden_states=hidden_BTH)[0]
        scores_BUV = hidden_BUH @ self.model.embed_tokens.weight.T
        loss_BU = F.cross_entropy(
            scores_BUV.transpose(1, 2).float(), targets_BU.to(hidden_BTH.device), ignore_index=NOT_SCORED,
            reduction="none",
        )  # fmt: skip
        return loss_BU.sum(1)

    @torch.no_grad()
    def write(self, hidden_BTH: Tensor, languages: Sequence[str], *, most_tokens: int = LONGEST_TEXT) -> list[str]:
        """The text of the likeliest token at each step, of windows of one length."""
        prompts_BU = torch.tensor([self.prompt(language) for language in languages], device=hidden_BTH.device)
        inputs_BU, cache = prompts_BU, None
        written: list[Tensor] = []
        ended_B = torch.zeros(len(prompts_BU), dtype=torch.bool, device=hidden_BTH.device)
        for _ in range(most_tokens):
            step = self.model(input_ids=inputs_BU, encoder_hidden_states=hidden_BTH, cache=cache, use_cache=True)
            scores_BV = step.last_hidden_state[:, -1] @ self.model.embed_tokens.weight.T
            scores_BV[:, self._never] = -torch.inf
            if not written:
                scores_BV[:, self._not_first] = -torch.inf
            token_B = scores_BV.argmax(1).masked_fill(ended_B, self._end)
            written.append(token_B)
            ended_B = ended_B | (token_B == self._end)
            if bool(ended_B.all()):
                break
            inputs_BU, cache = token_B.unsqueeze(1), step.cache
        rows = torch.stack(written, 1).tolist()
        return [self._tokenizer.decode([token for token in row if token != self._end]).strip() for row in rows]

    def _tokens(self, text: str) -> list[int]:
        tokens: list[int] = self._tokenizer.encode(" " + text, add_special_tokens=False)  # words begin with a space
        if len(tokens) > LONGEST_TEXT:
            raise ValueError(f"a text of {len(tokens)} tokens, a whisper decoder reads up to {LONGEST_TEXT}: {text!r}")
        return tokens
