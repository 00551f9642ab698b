"""The digests of corpora, each looked at once: a plan of hundreds of cells has few, and a search plans wave by wave."""

from __future__ import annotations

from datamodules.corpus_changes import check_files, note_files
from datamodules.corpus_folder import CorpusMissingError
from datamodules.importers.imported_manifests import warn_of_edited_manifests
from datamodules.joined_corpora import corpus_names, read_cards
from datamodules.texts.corpus_text_rules import given_rules, warn_of_rules_not_kept


class CheckedCorpora:
    """What was found at one moment. Plans of another moment look again: files may have been edited in between."""

    def __init__(self) -> None:
        self._found: dict[str, str | CorpusMissingError] = {}

    def digest(self, corpus: str) -> str:
        """The digest of a corpus, or of several by their joined name.

        Raises ``CorpusMissingError``, and ``CorpusChangedError`` for files edited in place, text rules that are gone
        among them.
        """
        if corpus not in self._found:
            try:
                self._found[corpus] = read_cards(corpus).digest
                for name in corpus_names(corpus):
                    note_files(name)
                    check_files(name)
                    warn_of_edited_manifests(name)
                    warn_of_rules_not_kept(name)
                    given_rules(name)
            except CorpusMissingError as error:
                self._found[corpus] = error
        found = self._found[corpus]
        if isinstance(found, CorpusMissingError):
            raise found
        return found
