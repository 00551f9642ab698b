"""What every trained language model must do: see no future, normalise, carry its state, learn, come back from disk."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch

from datamodules.batches import TextBatch, TextStreamBatch
from lightning_modules.decoding.language_models.language_model import LanguageModel
from lightning_modules.lm.language_modelling import LanguageModelling
from lightning_modules.lm.neural_file import load_token_model, save_token_model
from lightning_modules.lm.neural_language_model import NeuralLanguageModel
from lightning_modules.lm.predictions import PredictedTexts, TextPredictions
from lightning_modules.lm.stored import load_language_model
from lightning_modules.lm.units import unit_of

U = 9


def random_tokens(module: LanguageModelling, *shape: int) -> torch.Tensor:
    return torch.randint(1, len(module.symbols), shape, generator=torch.Generator().manual_seed(1))


def test_changing_a_token_changes_nothing_before_it(module: LanguageModelling) -> None:
    tokens_1U = random_tokens(module, 1, U)
    lengths = torch.tensor([U])
    before_1T = module(tokens_1U, lengths)
    for step in range(U):
        changed_1U = tokens_1U.clone()
        changed_1U[0, step] = 1 + changed_1U[0, step] % (len(module.symbols) - 1)
        after_1T = module(changed_1U, lengths)
        assert torch.equal(after_1T[:, :step], before_1T[:, :step])
        assert not torch.isclose(after_1T[:, step:], before_1T[:, step:]).all()  # a test that can fail


def test_no_gradient_from_later_inputs(module: LanguageModelling) -> None:
    inputs_1UI = torch.randn(1, U, module.model.network.num_inputs, requires_grad=True)
    outputs_1UH, _ = module.model.network(inputs_1UI, module.model.network.initial_state(1))
    outputs_1UH[0, 4].sum().backward()
    assert inputs_1UI.grad is not None
    assert not inputs_1UI.grad[0, 5:].any()
    assert inputs_1UI.grad[0, 4].any()
    assert inputs_1UI.grad[0, 3].any()


def test_probabilities_sum_to_one(module: LanguageModelling) -> None:
    tokens_BU = random_tokens(module, 3, U)
    hidden_BUH, _ = module.model(tokens_BU, module.model.network.initial_state(3))
    log_probs_NV = module.model.head.log_probs(hidden_BUH.flatten(0, 1))
    torch.testing.assert_close(log_probs_NV.exp().sum(-1), torch.ones(3 * U))
    targets_N = random_tokens(module, 3 * U)
    of_targets_N = module.model.head(hidden_BUH.flatten(0, 1), targets_N)
    torch.testing.assert_close(of_targets_N, log_probs_NV.gather(1, targets_N[:, None])[:, 0])


def test_a_text_read_in_pieces_is_the_text(module: LanguageModelling) -> None:
    network = module.model.network
    tokens_BU = random_tokens(module, 2, U)
    whole_BUH, _ = module.model(tokens_BU, network.initial_state(2))
    state, pieces = network.initial_state(2), []
    for piece_BU in tokens_BU.split([1, 4, 2, 2], dim=1):
        hidden_BUH, state = module.model(piece_BU, state)
        pieces.append(hidden_BUH)
    torch.testing.assert_close(torch.cat(pieces, dim=1), whole_BUH)


def test_padding_and_the_rest_of_the_batch_do_not_matter(module: LanguageModelling) -> None:
    tokens_BU = random_tokens(module, 3, U)
    lengths_B = torch.tensor([U, 0, 4])
    together_BT = module(tokens_BU, lengths_B)
    for row, length in enumerate(lengths_B.tolist()):
        alone_1T = module(tokens_BU[row : row + 1, :length], lengths_B[row : row + 1])
        torch.testing.assert_close(together_BT[row, : length + 1], alone_1T[0])
        assert not together_BT[row, length + 1 :].any()


def test_streams_carry_their_state_and_begin_without_one(
    module: LanguageModelling, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(LanguageModelling, "log", lambda *_, **__: None)
    tokens_BU = random_tokens(module, 2, 2 * U + 1)
    first, second = tokens_BU[:, : U + 1], tokens_BU[:, U:]
    whole = module.training_step(TextStreamBatch(tokens_BU, starts=True), 0)
    halves = [
        module.training_step(TextStreamBatch(piece, starts), 0) for piece, starts in ((first, True), (second, False))
    ]
    torch.testing.assert_close((halves[0] + halves[1]) / 2, whole)
    halves[1].backward()  # the first half's graph is not needed: the state was detached
    again = module.training_step(TextStreamBatch(second, starts=True), 0)
    assert not torch.isclose(again, halves[1])


def test_a_sentence_costs_what_its_tokens_cost(module: LanguageModelling, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(LanguageModelling, "log", lambda *_, **__: None)
    tokens_BU, lengths_B = random_tokens(module, 2, 5), torch.tensor([5, 2])
    batch = TextBatch(("a", "b"), tokens_BU, lengths_B)
    predicted = module.predict_step(batch, 0)
    assert predicted.num_tokens_B.tolist() == [6, 3]
    network = module.model.network
    for row, length in enumerate(lengths_B.tolist()):
        total, state, token = 0.0, network.initial_state(1), 0
        for target in (*tokens_BU[row, :length].tolist(), 0):
            hidden, state = module.model(torch.tensor([[token]]), state)
            total += float(module.model.head.log_probs(hidden[:, 0])[0, target])
            token = target
        assert predicted.log_probs_B[row].item() == pytest.approx(total, rel=1e-5)
    loss = module.training_step(batch, 0)
    assert loss.item() == pytest.approx(-predicted.log_probs_B.sum().item() / 9, rel=1e-5)


def test_training_learns(module: LanguageModelling, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(LanguageModelling, "log", lambda *_, **__: None)
    module.train()
    optimizer = torch.optim.Adam(module.parameters(), lr=1e-2)
    tokens_BU = torch.tensor([[0, 2, 3, 4] * 4 + [0]] * 4)
    losses = []
    for _ in range(40):
        loss = module.training_step(TextStreamBatch(tokens_BU, starts=True), 0)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    assert losses[-1] < 0.6 * losses[0]


@pytest.fixture
def stored(module: LanguageModelling, tmp_path: Path) -> NeuralLanguageModel:
    batches = [PredictedTexts(("b", "a"), torch.tensor([-1.0, -2.0]), torch.tensor([3, 4]))]
    module.write_predictions(batches, clip_ids=("a", "b"), path=tmp_path / "test")
    assert TextPredictions.load(tmp_path / "test.npz").log_probs() == {"a": -2.0, "b": -1.0}
    loaded = load_language_model(tmp_path)
    assert isinstance(loaded, LanguageModel)
    assert isinstance(loaded, NeuralLanguageModel)
    return loaded


def test_the_stored_model_is_the_module(module: LanguageModelling, stored: NeuralLanguageModel) -> None:
    assert stored.symbols == module.symbols
    assert stored.unit == ("word" if "<unk>" in module.symbols else "character")
    tokens = tuple(random_tokens(module, U).tolist())
    histories = [tokens[:length] for length in range(U + 1)]
    hidden_1TH, _ = module.model(torch.tensor([[0, *tokens]]), module.model.network.initial_state(1))
    expected_TV = module.model.head.log_probs(hidden_1TH[0]).detach().numpy()
    np.testing.assert_allclose(stored.next_log_probs(histories), expected_TV, atol=2e-5)


def test_answers_do_not_depend_on_batch_order_or_memory(stored: NeuralLanguageModel) -> None:
    generator = np.random.default_rng(0)
    width = len(stored.symbols)
    histories = [tuple(generator.integers(1, width, size=n).tolist()) for n in (0, 1, 5, 5, 3, 12, 2)]
    histories += [histories[5][:7], histories[5]]
    together_NV = stored.next_log_probs(histories)
    assert together_NV.shape == (9, width)
    assert together_NV.dtype == np.float32
    forgetful = NeuralLanguageModel(stored.model, symbols=stored.symbols, unit=stored.unit, max_bytes=2000)
    for row in reversed(range(len(histories))):
        np.testing.assert_array_equal(forgetful.next_log_probs(histories[row : row + 1])[0], together_NV[row])
    assert stored.next_log_probs([]).shape == (0, width)


def test_memory_is_bounded(stored: NeuralLanguageModel) -> None:
    small = NeuralLanguageModel(stored.model, symbols=stored.symbols, unit=stored.unit, max_bytes=20_000)
    for token in range(1, 11):
        small.next_log_probs([(token,) * length for length in range(30)])
        held = sum(known.num_bytes for known in small._memory.values())
        assert held == small._num_bytes <= 20_000
    assert small._memory


def test_one_step_a_new_history(stored: NeuralLanguageModel, monkeypatch: pytest.MonkeyPatch) -> None:
    rows: list[int] = []
    forward = type(stored.model).forward
    monkeypatch.setattr(
        type(stored.model),
        "forward",
        lambda self, tokens, state: rows.append(tokens.numel()) or forward(self, tokens, state),
    )
    stored.next_log_probs([(1, 2, 3), (1, 2, 4), (1, 2)])
    assert sum(rows) == 5  # (), 1, 12, 123, 124: shared prefixes once
    stored.next_log_probs([(1, 2, 3, 4), (1, 2, 4)])
    assert sum(rows) == 6


def test_a_foreign_file_is_named(tmp_path: Path) -> None:
    path = tmp_path / "language_model.pt"
    torch.save({"kind": "transformer"}, path)
    with pytest.raises(ValueError, match=r"language_model\.pt is no stored language model"):
        load_language_model(tmp_path)
    path.write_bytes(b"")
    with pytest.raises(ValueError, match=r"language_model\.pt is no stored language model"):
        load_language_model(tmp_path)


def test_weight_norm_is_folded_in_and_unit_is_known(module: LanguageModelling, tmp_path: Path) -> None:
    save_token_model(tmp_path / "language_model.pt", module.model, symbols=module.symbols)
    model, symbols = load_token_model(tmp_path / "language_model.pt")
    assert not any("parametrizations" in name for name, _ in model.named_parameters())
    assert all(parameter.dtype == torch.float64 for parameter in model.parameters())
    assert unit_of(symbols) == unit_of(module.symbols)
