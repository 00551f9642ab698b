"""Text rules: cases by language, and what holds for any text."""

from __future__ import annotations

import re
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from datamodules.texts.text_rules import RULES, UnspeakableTextError, normalise

LANGUAGES = [*sorted(RULES), "xx"]


@pytest.mark.parametrize(
    ("language", "text", "expected"),
    [
        ("en", "That’s  'fine', A.M. - or P.M.?!", "that's fine a m or p m"),
        ("en", "Put 'em there, dogs'", "put 'em there dogs"),
        ("en", "Call-Forward on No Answer…", "call forward on no answer"),
        ("fr", "L'AIDE : « Où êtes-vous ? »", "l'aide où êtes vous"),
        ("it", "Un po’ d’acqua, 'prego'", "un po' d'acqua prego"),
        ("nl", "'t Is ’s avonds zo'n „gezellige” 'boel'", "'t is 's avonds zo'n gezellige boel"),
        ("es", "¡Buzón! ¿Año?", "buzón año"),
        ("cs", "Ryba, která\u00a0neřve", "ryba která neřve"),
        ("ru", "За\u0301мок «Ёлка» – кто-то", "замок ёлка кто то"),
        ("ro", "Maşină ŢARĂ", "mașină țară"),
        ("ca", "El col·legi · gran", "el col·legi gran"),
        ("el", "Ο ΣΚΥΛΟΣ", "ο σκυλος"),
        ("be", "Аб’ява", "аб'ява"),
        ("tr", "ISPARTA İzmir i\u0307stanbul", "ısparta izmir istanbul"),
        ("zh", "他说：“《红楼梦》很好。”", "他说 红楼梦 很好"),
        ("ja", "「はい」と『本』", "はい と 本"),
        ("pt-BR", "Corac\u0327a\u0303o", "coração"),
        ("xx", "Слово and мир", "слово and мир"),
        ("de", "Stra\u00adße", "straße"),
        ("hi", "नमस्ते दुनिया।", "नमस्ते दुनिया"),
        ("en", "The ﬁrst ﬂoor, the laﬆ oﬀer", "the first floor the last offer"),
        ("hr", "ǅep ǉubav Ǌiva", "džep ljubav njiva"),
        ("he", 'צה״ל אמר "שלום" בארה"ב', "צה״ל אמר שלום בארה״ב"),
        ("he", "ג׳ירפה וצ'יפס", "ג'ירפה וצ'יפס"),
        ("sr", "Добар дан, Џорџе", "добар дан џорџе"),
        ("sr", "Dobar dan, Đorđe", "dobar dan đorđe"),
        ("ha", "’Yan kasa 'ne', ɗan'uwa", "'yan kasa ne ɗan'uwa"),
        ("hau", "'Yar gida", "'yar gida"),
        ("haw", "‘O ka ʻokina, 'āina!", "'o ka 'okina 'āina"),
        ("uz", "Togʻ, bogʼ va o‘g‘il", "tog' bog' va o'g'il"),
        ("mt", "Il-ħin ta’ Malta", "il ħin ta' malta"),
        ("fa", "می\u200cخواهم کتاب\u200c", "می\u200cخواهم کتاب"),  # the second joins nothing
        ("ml", "അവന്\u200d വന്നു.", "അവന്\u200d വന്നു"),
        ("si", "ශ්\u200dරී ලංකා", "ශ්\u200dරී ලංකා"),
        ("xx", "می\u200cخواهم", "می\u200cخواهم"),  # a rule of the script, whatever the language
        ("de", "Auf\u200clage", "auflage"),  # a joiner between Latin letters is of type
    ],
)
def test_what_each_language_keeps(language: str, text: str, expected: str) -> None:
    assert normalise(text, language=language) == expected


@pytest.mark.parametrize(
    ("language", "text", "reason"),
    [
        ("en", "Press 1", "digits"),
        ("en", "Ⅷ", "digits"),
        ("en", "x²", "digits"),
        ("en", "50 %", "digits"),
        ("en", "one %", "signs"),
        ("en", "followed by #", "signs"),
        ("it", "più = tanto", "signs"),
        ("en", "damaged \ufffd text", "signs"),
        ("en", "[beep]", "brackets"),
        ("es", "(ruido) hola", "brackets"),
        ("en", "<beep>", "signs"),
        ("ru", "Это Asterisk", "another script"),
        ("sr", "Добар dan", "another script"),
        ("en", "The Аsterisk", "another script"),  # a Cyrillic capital that looks like A
        ("en", "...", "no letters"),
        ("en", "", "no letters"),
        ("en", "''", "no letters"),
    ],
)
def test_what_cannot_be_read_is_refused_with_its_reason(language: str, text: str, reason: str) -> None:
    with pytest.raises(UnspeakableTextError) as raised:
        normalise(text, language=language)
    assert raised.value.reason == reason
    assert "\n" not in str(raised.value)


texts = st.one_of(
    st.text(),
    st.text(alphabet="aAbIİΣσéE\u0301\u0323ʹ'’ -.,·lL\u200b\u00ad\t\n„”ßЁя"),
    st.text(alphabet="אב״׳\"'’ ﬁǆДжdž"),
    st.text(alphabet="میക്ന\u200c\u200d'ygʻ ."),
)


@given(texts, st.sampled_from(LANGUAGES))
def test_any_text_is_either_refused_or_clean(text: str, language: str) -> None:
    try:
        done = normalise(text, language=language)
    except UnspeakableTextError:
        return
    assert normalise(done, language=language) == done
    assert done == unicodedata.normalize("NFC", done)
    assert done == done.lower()
    assert done == " ".join(done.split())
    assert "''" not in done
    assert any(character.isalpha() for character in done)
    assert all(character in " '·״\u200c\u200d" or unicodedata.category(character)[0] in "LM" for character in done)
    assert not re.search("(^|[^א-ײיִ-ﭏ])״|״($|[^א-ײיִ-ﭏ])", done)  # between two Hebrew letters alone


@given(texts, st.sampled_from(LANGUAGES), st.sampled_from([",", "…", " – ", "!", "\u200b\n", "  "]))
def test_punctuation_at_the_end_makes_no_other_text(text: str, language: str, mark: str) -> None:
    """Prompts that differ so must fall into one split."""
    try:
        done = normalise(text, language=language)
    except UnspeakableTextError:
        return
    assert normalise(text + mark, language=language) == done


@given(texts, st.sampled_from(LANGUAGES))
def test_composed_and_decomposed_text_are_one(text: str, language: str) -> None:
    def outcome(form: str) -> str:
        try:
            return normalise(form, language=language)
        except UnspeakableTextError as error:
            return error.reason

    assert outcome(unicodedata.normalize("NFD", text)) == outcome(text)


@given(texts, st.sampled_from(LANGUAGES))
def test_a_text_that_is_kept_as_written_is_the_learnt_one_where_there_is_one(text: str, language: str) -> None:
    try:
        kept = normalise(text, language=language, as_written=True)
    except UnspeakableTextError:
        kept = ""
    assert kept == " ".join(kept.split())
    if kept:
        assert normalise(kept, language=language, as_written=True) == kept
    try:
        learnt = normalise(text, language=language)
    except UnspeakableTextError:
        return
    assert learnt == kept


@pytest.mark.parametrize(
    ("language", "text", "expected"),
    [
        ("en", "Press 1, or #!", "press 1 or #"),
        ("en", "50 % [beep] (off)", "50 % beep off"),
        ("ru", "Это Asterisk", "это asterisk"),
        ("en", "1 2 3", "1 2 3"),
    ],
)
def test_what_is_kept_as_written(language: str, text: str, expected: str) -> None:
    assert normalise(text, language=language, as_written=True) == expected
