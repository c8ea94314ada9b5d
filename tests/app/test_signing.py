"""The signing key: made once, kept closed, its public half beside it, old public keys kept."""

from __future__ import annotations

import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from liandong.app.signing import is_private_key, open_signer, public_keys, verify_signature
from liandong.core.values.errors import Broken
from tests.app.journals import SIGNER, THIEF


def test_the_key_is_made_on_first_use_and_found_again(tmp_path: Path) -> None:
    path = tmp_path / "keys" / "signing.key"
    first, again = open_signer(path), open_signer(path)
    assert first.key_id == again.key_id and first.public_pem == again.public_pem
    assert path.stat().st_mode & 0o777 == 0o600 and path.parent.stat().st_mode & 0o777 == 0o700
    assert sorted(p.name for p in path.parent.iterdir()) == ["root.pub", "signing.key"]
    assert (path.parent / "root.pub").read_bytes() == first.public_pem
    assert is_private_key(path) and not is_private_key(path.parent / "root.pub")


def test_a_replaced_key_is_added_to_the_public_ones(tmp_path: Path) -> None:
    path = tmp_path / "signing.key"
    old = open_signer(path)
    path.unlink()
    new = open_signer(path)
    public = (tmp_path / "root.pub").read_bytes()
    assert public_keys([public]).keys() == {old.key_id, new.key_id}
    assert verify_signature(public, "ab", old.sign("ab")) and verify_signature(public, "ab", new.sign("ab"))


@given(st.text("0123456789abcdef", max_size=64), st.data())
def test_only_the_key_and_the_hash_that_were_signed_verify(hash: str, data: st.DataObject) -> None:
    signature = SIGNER.sign(hash)
    assert verify_signature(SIGNER.public_pem, hash, signature)
    assert not verify_signature(THIEF.public_pem, hash, signature)
    assert not verify_signature(SIGNER.public_pem, hash + "0", signature)
    place = data.draw(st.integers(0, len(signature) - 1))
    other = data.draw(st.sampled_from("0123456789abcdefABCDEFx ").filter(lambda c: c != signature[place]))
    assert not verify_signature(SIGNER.public_pem, hash, signature[:place] + other + signature[place + 1 :])


def test_what_is_no_key_and_what_others_may_read_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "signing.key"
    path.write_bytes(b"nothing")
    path.chmod(0o600)
    with pytest.raises(Broken, match=r"signing\.unreadable_key"):
        open_signer(path)
    path.unlink()
    open_signer(path)
    path.chmod(0o640)
    with pytest.raises(Broken, match=r"signing\.key_open_to_others"):
        open_signer(path)
    for pem in (b"", b"-----BEGIN PUBLIC KEY-----\nAAAA\n-----END PUBLIC KEY-----\n"):
        with pytest.raises(Broken, match=r"signing\.unreadable_key"):
            public_keys([pem])


def test_those_who_start_at_once_share_one_key(tmp_path: Path) -> None:
    code = "import sys; from pathlib import Path; from liandong.app.signing import open_signer"
    code += "; print(open_signer(Path(sys.argv[1])).key_id)"
    command = [sys.executable, "-c", code, str(tmp_path / "keys" / "signing.key")]

    def start(_: int) -> str:
        done = subprocess.run(command, capture_output=True, text=True, check=True, env={"PYTHONPATH": "src"})
        return done.stdout

    with ThreadPoolExecutor(4) as pool:
        assert len(set(pool.map(start, range(4)))) == 1
    assert len(public_keys([(tmp_path / "keys" / "root.pub").read_bytes()])) == 1
