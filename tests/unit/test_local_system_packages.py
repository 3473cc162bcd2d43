"""Programs of the operating system: the newest is found, a missing one is installed or named."""

import os
import platform
import stat
from pathlib import Path

import pytest

from deploy.local import system_packages
from deploy.local.system_packages import ProgramMissing, find_program, install

APT = """#!/bin/sh
echo "$RUNLEVEL $SYSTEMD_OFFLINE $DEBIAN_FRONTEND $(test -x {policy} && {policy}; echo $?) $*" >> {calls}
case "$*" in
  *update*) touch {lists} ;;
  *) if [ ! -e {lists} ]; then echo "E: Unable to locate package" >&2; exit 100; fi ;;
esac
"""


class Machine:
    """A Debian whose ``apt-get`` only writes down how it was called."""

    def __init__(self, folder: Path) -> None:
        self.calls = folder / "calls"
        self.lists = folder / "lists"
        self.policy = folder / "policy-rc.d"
        self.apt = folder / "apt-get"
        program(self.apt, APT.format(calls=self.calls, lists=self.lists, policy=self.policy))

    def called(self) -> list[str]:
        return self.calls.read_text().splitlines()


def program(path: Path, text: str = "#!/bin/sh\n") -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    path.chmod(path.stat().st_mode | stat.S_IXUSR)
    return path


@pytest.fixture
def debian(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Machine:
    machine = Machine(tmp_path)
    monkeypatch.setenv("PATH", f"{tmp_path}:/usr/bin:/bin")
    monkeypatch.setattr(platform, "system", lambda: "Linux")
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    monkeypatch.setattr(system_packages, "POLICY", machine.policy)
    return machine


def test_the_newest_version_in_a_folder_is_found_by_number_not_by_letter(tmp_path: Path) -> None:
    for version in ("9.6", "15", "17", "8"):
        program(tmp_path / version / "bin" / "initdb")
    assert find_program("initdb", (f"{tmp_path}/*/bin",)) == tmp_path / "17" / "bin" / "initdb"


def test_an_earlier_folder_wins_over_a_later_one_and_all_over_the_path(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for folder in ("first", "second", "path"):
        program(tmp_path / folder / "epmd")
    program(tmp_path / "path" / "erl")
    monkeypatch.setenv("PATH", str(tmp_path / "path"))
    folders = (f"{tmp_path}/none", f"{tmp_path}/first", f"{tmp_path}/second")
    assert find_program("epmd", folders) == tmp_path / "first" / "epmd"
    assert find_program("erl", folders) == tmp_path / "path" / "erl"
    assert find_program("nothing-of-this-name", folders) is None


def test_a_file_that_cannot_be_executed_is_no_program(tmp_path: Path) -> None:
    (tmp_path / "epmd-of-nobody").write_text("")
    assert find_program("epmd-of-nobody", (str(tmp_path),)) is None


def test_a_known_package_is_installed_without_an_update_and_without_starting_its_service(debian: Machine) -> None:
    debian.lists.touch()
    install(("rabbitmq-server",), brew=("rabbitmq",))
    said = "1 1 noninteractive 101 -qq -y install --no-install-recommends rabbitmq-server"
    assert debian.called() == [said]
    assert not debian.policy.exists()


def test_a_machine_without_package_lists_gets_them_first(debian: Machine) -> None:
    install(("rabbitmq-server",), brew=("rabbitmq",))
    assert [call.split("-y ")[1].split()[0] for call in debian.called()] == ["install", "update", "install"]


def test_a_policy_that_the_machine_has_is_kept(debian: Machine) -> None:
    program(debian.policy, "#!/bin/sh\nexit 104\n")
    install(("rabbitmq-server",), brew=("rabbitmq",))
    assert debian.policy.read_text() == "#!/bin/sh\nexit 104\n"


def test_a_package_that_cannot_be_installed_is_told_in_one_line(debian: Machine) -> None:
    program(debian.apt, "#!/bin/sh\necho 'E: no network' >&2\nexit 100\n")
    with pytest.raises(ProgramMissing, match=r"apt-get -qq -y update` failed: E: no network$") as missing:
        install(("rabbitmq-server",), brew=("rabbitmq",))
    assert "\n" not in str(missing.value)
    assert not debian.policy.exists()


def test_somebody_without_rights_is_told_what_to_type(debian: Machine, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    program(debian.apt.with_name("sudo"), "#!/bin/sh\nexit 1\n")
    with pytest.raises(ProgramMissing, match=r"^install it first: sudo apt-get install rabbitmq-server$"):
        install(("rabbitmq-server",), brew=("rabbitmq",))
    assert not debian.calls.exists()


def test_somebody_with_sudo_and_no_password_needs_not_to_be_asked(
    debian: Machine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    program(debian.apt.with_name("sudo"), '#!/bin/sh\nshift\nexec "$@"\n')
    install(("rabbitmq-server",), brew=("rabbitmq",))
    assert debian.called()[-1].endswith("install --no-install-recommends rabbitmq-server")


def test_macos_without_homebrew_is_told_where_to_get_it(debian: Machine, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(platform, "system", lambda: "Darwin")
    with pytest.raises(ProgramMissing, match="brew install rabbitmq"):
        install(("rabbitmq-server",), brew=("rabbitmq",))


def test_macos_installs_with_homebrew(debian: Machine, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(platform, "system", lambda: "Darwin")
    program(debian.apt.with_name("brew"), f'#!/bin/sh\necho "brew $*" >> {debian.calls}\n')
    install(("rabbitmq-server",), brew=("rabbitmq",))
    assert debian.called() == ["brew install rabbitmq"]


def test_another_system_is_told_the_names(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(platform, "system", lambda: "Linux")
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(ProgramMissing, match="package manager: rabbitmq-server$"):
        install(("rabbitmq-server",), brew=("rabbitmq",))
