"""schema.py SCHEMA CHANGES CONFIG...: checks a JSON Schema of configs. Each CONFIG must be valid. CHANGES has lines "yes
KEY.PATH=VALUE" and "no KEY.PATH=VALUE": with such a change the first CONFIG must be valid, or not."""
import json
import re
import sys

import jsonschema
import yaml


class Core(yaml.SafeLoader):
    """YAML 1.2's core schema, as dae-cl reads numbers: 1e-3 is one, and 2020-01-03 is text."""


Core.yaml_implicit_resolvers = {}
Core.add_implicit_resolver("tag:yaml.org,2002:bool", re.compile("^(true|false)$"), "tf")
Core.add_implicit_resolver("tag:yaml.org,2002:null", re.compile("^$"), ["", None])
Core.add_implicit_resolver("tag:yaml.org,2002:int", re.compile("^[-+]?[0-9]+$"), list("-+0123456789"))
Core.add_implicit_resolver("tag:yaml.org,2002:float",
                           re.compile(r"^[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?$"),
                           list("-+.0123456789"))


def load(text):
    return yaml.load(text, Core)


def set_path(tree, assignment):
    path, value = assignment.split("=", 1)
    *steps, last = path.split(".")
    for step in steps:
        tree = tree[int(step)] if isinstance(tree, list) else tree.setdefault(step, {})
    tree[int(last) if isinstance(tree, list) else last] = load(value)


def check_defaults(node, where, validator, found):
    """Each default is valid where it stands."""
    if isinstance(node, list):
        for i, item in enumerate(node):
            check_defaults(item, f"{where}.{i}", validator, found)
    if not isinstance(node, dict):
        return
    if "default" in node and "description" in node:
        found.append(where)
        errors = list(validator.evolve(schema=node).iter_errors(node["default"]))
        if errors:
            sys.exit(f"{where}: its default {node['default']} is not valid: {errors[0].message}")
    for key, item in node.items():
        if key != "default":
            check_defaults(item, f"{where}.{key}", validator, found)


def main():
    schema = json.load(open(sys.argv[1]))
    jsonschema.Draft202012Validator.check_schema(schema)
    validator = jsonschema.Draft202012Validator(schema)
    found, configs = [], sys.argv[3:]
    check_defaults(schema, "", validator, found)
    for path in configs:
        for error in validator.iter_errors(load(open(path))):
            sys.exit(f"{path}: {list(error.absolute_path)}: {error.message[:300]}")
    n = 0
    for line in open(sys.argv[2]):
        wanted, assignment = line.strip().split(" ", 1)
        config = load(open(configs[0]))
        set_path(config, assignment)
        if validator.is_valid(config) != (wanted == "yes"):
            sys.exit(f"{assignment}: valid should be {wanted}")
        n += 1
    print(f"{len(found)} defaults, {len(configs)} configs, {n} changes")


main()
