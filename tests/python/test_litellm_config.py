"""One file starts both: the real LiteLLM starts with our key in its configuration."""

import httpx
import yaml

from clients import HI, plain_http
from servers import Server
from stack import LITELLM_CONFIG, LITELLM_KEY


def test_litellm_starts_with_our_key_at_the_top_and_in_an_entry(litellm: Server) -> None:
    config = yaml.safe_load(LITELLM_CONFIG.read_text())
    ours = [entry["model_name"] for entry in config["model_list"] if "llm_proxy" in entry]
    assert config["llm_proxy"]
    assert ours

    with plain_http(litellm.url, {"authorization": f"Bearer {LITELLM_KEY}"}) as client:
        listed = {model["id"] for model in client.get("/v1/models").json()["data"]}
        assert listed == {entry["model_name"] for entry in config["model_list"]}
        for model in ours:
            body = {"model": model, "messages": HI}
            answer = client.post("/v1/chat/completions", json=body)
            assert answer.status_code == httpx.codes.OK, answer.text
