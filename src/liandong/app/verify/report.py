"""What a verification came to: what is wrong, what is proven, and what nobody can prove."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field

from liandong.core.values.decision import Param

#: `say(key, language, **params)`: `liandong.texts.text` where the caller may import it.
Say = Callable[..., str]
#: A tampered journal may be wrong at every entry; the first of each sort tell as much as all.
MOST_PER_KEY = 100


class Remedy:
    """What the reader should do; each is a text key."""

    COMPARE = "verify.remedy.compare_backup"
    CHECK_KEY = "verify.remedy.check_public_key"
    TRUST_ANCHOR = "verify.remedy.trust_anchor"
    REBUILD = "verify.remedy.rebuild"
    RESTORE_EVIDENCE = "verify.remedy.restore_evidence"
    FIND_ANCHOR = "verify.remedy.find_anchor"
    UPGRADE = "verify.remedy.upgrade"


@dataclass(frozen=True)
class Sentence:
    """A text key with its parameters."""

    key: str
    params: dict[str, Param] = field(default_factory=dict)


@dataclass(frozen=True)
class Finding:
    """Something that is not as it was written."""

    key: str
    where: str  #: `stream#sequence@position`, `root:N`, a path or a digest
    remedy: str
    params: dict[str, Param] = field(default_factory=dict)


@dataclass
class Report:
    """Findings, what is proven and up to where, and what is not provable."""

    findings: list[Finding] = field(default_factory=list)
    proven: list[Sentence] = field(default_factory=list)
    limits: list[Sentence] = field(default_factory=list)
    counts: Counter[str] = field(default_factory=Counter)
    #: Text key → how many findings there were, also those beyond the ones that are listed.
    found: Counter[str] = field(default_factory=Counter)

    @property
    def exit_code(self) -> int:
        """0 where nothing was found, 1 otherwise; limits are no findings."""
        return 1 if self.found else 0

    def find(self, key: str, where: str, remedy: str, /, **params: Param) -> None:
        """Note something wrong."""
        self.found[key] += 1
        if self.found[key] <= MOST_PER_KEY:
            self.findings.append(Finding(key, where, remedy, params))

    def prove(self, key: str, /, **params: Param) -> None:
        """Note what is proven."""
        self.proven.append(Sentence(key, params))

    def limit(self, key: str, /, **params: Param) -> None:
        """Note what is not provable."""
        self.limits.append(Sentence(key, params))

    def lines(self, language: str, say: Say | None = None) -> list[str]:
        """The report for a person: findings with their remedies, then what is proven, then what is not."""
        speak = say or _bare
        total = sum(self.found.values())
        said = [speak("verify.findings" if total else "verify.clean", language, count=total)]
        for finding in self.findings:
            what = speak(finding.key, language, **finding.params)
            said.append(f"✗ {finding.where}  {what} {speak(finding.remedy, language)}")
        for key, count in self.found.items():
            if count > MOST_PER_KEY:
                said.append(speak("verify.more", language, count=count - MOST_PER_KEY, key=key))
        said += [f"✓ {speak(line.key, language, **line.params)}" for line in self.proven]
        said += [f"? {speak(line.key, language, **line.params)}" for line in self.limits]
        return said


def _bare(key: str, language: str, /, **params: object) -> str:
    """Keys and numbers, where nobody lends the words."""
    return " ".join([key, *(f"{name}={value}" for name, value in params.items())])
