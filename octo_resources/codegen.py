"""Pydantic models of a source's records, written by datamodel-code-generator from the schema's JSON Schema."""

import json
import re
from typing import Final

from octo_core.inference.contract import json_schema
from octo_core.schema import SourceSchema

_HEADER: Final = '''"""The records of the source {source}, as Octopipe typed them. Generated; do not edit."""'''


def pydantic_source(schema: SourceSchema) -> str:
    """The text of a Python module (3.11, Pydantic 2) with a model of the records and one of each nested record.

    Decimals are `Decimal`, dates and times their classes; names that Python cannot have are aliased; unknown keys are
    let through, as drift and not the model judges them.
    """
    # Imported here: 0.6 s that only `octopipe schema --pydantic` has to pay.
    from datamodel_code_generator import InputFileType, generate
    from datamodel_code_generator.config import GenerateConfig
    from datamodel_code_generator.enums import DataModelType
    from datamodel_code_generator.format import Formatter, PythonVersion

    config = GenerateConfig(
        input_file_type=InputFileType.JsonSchema,
        output_model_type=DataModelType.PydanticV2BaseModel,
        target_python_version=PythonVersion.PY_311,
        disable_timestamp=True,
        enable_version_header=False,
        use_annotated=True,
        field_constraints=True,
        use_double_quotes=True,
        custom_file_header=_HEADER.format(source=json.dumps(schema.source)),
        class_name=_class_name(schema.source),
        formatters=[Formatter.BUILTIN],
    )
    text = generate(json_schema(schema), config=config)
    assert isinstance(text, str)
    return text


def _class_name(source: str) -> str:
    """`flight_legs` → FlightLegs; what Python cannot have becomes Record."""
    name = "".join(word[:1].upper() + word[1:] for word in re.split(r"\W|_", source))
    return name if name.isidentifier() else f"Record{name}"
