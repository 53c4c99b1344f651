"""What `/metrics` says, read as Prometheus reads it."""

from collections.abc import Iterator

from flask.testing import FlaskClient
from prometheus_client.openmetrics.parser import text_string_to_metric_families as read_openmetrics
from prometheus_client.parser import text_string_to_metric_families as read_text
from prometheus_client.samples import Sample


class Scrape:
    """One answer of `/metrics`, in either of its formats."""

    def __init__(self, text: str) -> None:
        self.text = text
        read = read_openmetrics if text.endswith("# EOF\n") else read_text
        self.families = {family.name: family for family in read(text)}

    def samples(self) -> Iterator[Sample]:
        for family in self.families.values():
            yield from family.samples

    def value(self, name: str, **labels: str) -> float:
        """The sum over the samples of this name that have these labels."""
        return sum(
            sample.value for sample in self.samples() if sample.name == name and labels.items() <= sample.labels.items()
        )

    def labels(self, name: str) -> set[str]:
        """Each value that a label has anywhere."""
        return {sample.labels[name] for sample in self.samples() if name in sample.labels}


def scrape(client: FlaskClient) -> Scrape:
    """Read them as a process of this machine does."""
    answer = client.get("/metrics")
    assert answer.status_code == 200, answer.text
    return Scrape(answer.text)
