"""compose.yaml: that it parses, and that what it names is there. `.ci/replicas` runs its services."""

from __future__ import annotations

import argparse
import re
import shlex
from pathlib import Path

import pytest

from litellm_gigachat_provider.commands import proxy
from litellm_gigachat_provider.settings.environment import NAMES

EXAMPLE = Path(__file__).parents[2] / "examples" / "proxy"


def test_the_services_of_compose():
    yaml = pytest.importorskip("yaml")
    services = yaml.safe_load((EXAMPLE / "compose.yaml").read_text(encoding="utf-8"))["services"]
    one, two = ({k: v for k, v in services[name].items() if k != "ports"} for name in ("proxy-1", "proxy-2"))
    assert one == two
    assert all(port.startswith("127.0.0.1:") for name in ("proxy-1", "proxy-2") for port in services[name]["ports"])
    assert (EXAMPLE / one["build"]["context"] / one["build"]["dockerfile"]).is_file()
    parser = argparse.ArgumentParser()
    proxy.add_arguments(parser)
    given = parser.parse_args(shlex.split(one["command"])[2:])
    assert one["volumes"] == [f"./{given.config}:/app/{given.config}:ro"]
    ours = {name for name in one["environment"] if name.startswith("GIGACHAT_")}
    assert ours <= set(NAMES)
    text = (EXAMPLE / given.config).read_text(encoding="utf-8")
    assert set(re.findall(r"os\.environ/(\w+)", text)) == one["environment"].keys() - ours - {"LITELLM_MASTER_KEY"}
    handlers = yaml.safe_load(text)["litellm_settings"]["custom_provider_map"]
    assert handlers == yaml.safe_load(proxy.DEFAULT_CONFIG.read_text())["litellm_settings"]["custom_provider_map"]
