"""Judges CycloneDX documents by the schema of the version that each names, strictly: nothing may be there that it does not name."""
import json
import sys

from cyclonedx.schema import SchemaVersion
from cyclonedx.validation.json import JsonStrictValidator

refused = 0
for path in sys.argv[1:]:
    with open(path, encoding="utf-8") as file:
        text = file.read()
    version = SchemaVersion.from_version(json.loads(text)["specVersion"])
    error = JsonStrictValidator(version).validate_str(text)
    if error is not None:
        refused += 1
        print(f"{path}: {error}", file=sys.stderr)
print(f"{len(sys.argv) - 1} documents")
sys.exit(1 if refused else 0)
