"""The file for Docker Compose: what a server may not be by mistake, open to the network or behind a known password."""

import re
from pathlib import Path
from typing import Any

import pytest
import yaml

from benchmarks.execution.interfaces import HERE

DOCS = Path(__file__).parents[1] / "docs"
#: Keys of a service that the Compose specification has, of those that could be meant.
KEYS = {"build", "image", "restart", "depends_on", "environment", "command", "configs", "volumes", "ports"}
KEYS |= {"healthcheck", "stop_grace_period"}


@pytest.fixture(scope="module")
def compose() -> dict[str, Any]:
    return dict(yaml.safe_load((DOCS / "compose.yaml").read_text()))


def test_its_services_are_whole(compose: dict[str, Any]) -> None:
    assert compose.keys() == {"name", "services", "configs", "volumes"}
    for service in compose["services"].values():
        assert service.keys() <= KEYS
        assert ("image" in service) != ("build" in service)
        assert {"test", "interval", "timeout", "retries"} <= service["healthcheck"].keys()
        assert service["healthcheck"]["test"][0] == "CMD"
        named = [volume.partition(":")[0] for volume in service["volumes"]]
        assert set(named) <= compose["volumes"].keys()
        assert {one["source"] for one in service.get("configs", [])} <= compose["configs"].keys()
        assert service.get("depends_on", {}).keys() <= compose["services"].keys()
        image = service.get("image") or re.search(r"FROM (\S+)", service["build"]["dockerfile_inline"])[1]
        assert re.fullmatch(r"\w+:[\d.]+[\w.-]*", image), "a version, never latest"


def test_ports_are_this_machine_s_alone(compose: dict[str, Any]) -> None:
    ports = [port for service in compose["services"].values() for port in service["ports"]]
    assert ports
    assert all(re.fullmatch(rf"{re.escape(HERE)}:\d+:\d+", port) for port in ports)


def test_there_is_no_default_password(compose: dict[str, Any]) -> None:
    secrets = {
        name: value
        for service in compose["services"].values()
        for name, value in service["environment"].items()
        if re.search("PASS|SECRET|TOKEN|KEY", name)
    }
    assert set(secrets) == {"POSTGRES_PASSWORD", "PGPASSWORD"}
    assert all(re.fullmatch(r"\$\{POSTGRES_PASSWORD:\?.+\}", value) for value in secrets.values())
    urls = re.findall(r"\w+://[^\s'\"]+", (DOCS / "compose.yaml").read_text())
    assert urls
    assert not any(re.search("://[^/]*:[^/]*@", url) for url in urls)


def test_its_mlflow_and_driver_are_those_that_are_tested(compose: dict[str, Any]) -> None:
    pinned = (DOCS.parent / "constraints.txt").read_text()
    lines = re.findall(r"(mlflow|psycopg)(?:\[binary\])?==([\d.]+)", str(compose["services"]["mlflow"]["build"]))
    assert len(lines) == 2
    assert all(re.search(rf"^{name}=={re.escape(version)} ", pinned, re.MULTILINE) for name, version in lines)
