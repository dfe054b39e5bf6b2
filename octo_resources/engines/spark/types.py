"""Arrow's types as Spark has them, and Spark's results as the targets' Arrow types. Nothing here may change a value."""

from typing import TYPE_CHECKING, Any, Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

if TYPE_CHECKING:
    from pyspark.sql.types import DataType, StructType

AS_THEY_ARE: Final = frozenset(
    {
        pa.bool_(), pa.int8(), pa.int16(), pa.int32(), pa.int64(), pa.float32(), pa.float64(), pa.string(),
        pa.binary(), pa.date32(), pa.timestamp("us"), pa.timestamp("us", tz="UTC"),
    }
)  # fmt: skip
"""Types whose values Spark, Arrow and Parquet hold alike."""
_INTERVAL: Final = np.dtype([("months", "<i4"), ("days", "<i4"), ("nanos", "<i8")])


def same_in_spark(kind: pa.DataType) -> bool:
    """Whether Spark reads values of this Arrow type from Parquet as they stand."""
    return kind in AS_THEY_ARE or pa.types.is_decimal128(kind)


def spark_type(kind: pa.DataType) -> "DataType":
    """The type in which Arrow data of this type goes into Spark."""
    from pyspark.sql.pandas.types import from_arrow_type

    found: DataType = from_arrow_type(kind, prefer_timestamp_ntz=True)
    return found


def spark_schema(schema: pa.Schema) -> "StructType":
    from pyspark.sql.types import StructField, StructType

    return StructType([StructField(field.name, spark_type(field.type), True) for field in schema])


def to_target(found: "pa.Array[Any]", wanted: pa.DataType) -> "pa.Array[Any]":
    """A column of Spark's in the target's Arrow type; raises ArrowInvalid rather than lose anything."""
    if wanted == pa.month_day_nano_interval():
        return _interval(found)
    return found if found.type == wanted else found.cast(wanted, safe=True)


def _interval(found: "pa.Array[Any]") -> "pa.Array[Any]":
    """Structs of months, days and microseconds, which is how expressions have intervals on Spark."""
    made = np.zeros(len(found), _INTERVAL)
    for place, name in enumerate(("months", "days")):
        made[name] = pc.fill_null(pc.struct_field(found, [place]), 0).to_numpy(zero_copy_only=False)
    micros = pc.fill_null(pc.struct_field(found, [2]), 0)
    made["nanos"] = pc.multiply_checked(micros, pa.scalar(1000, pa.int64())).to_numpy(zero_copy_only=False)
    valid = pa.array(found.is_valid().to_numpy(zero_copy_only=False))
    bits = valid.buffers()[1]
    return pa.Array.from_buffers(pa.month_day_nano_interval(), len(found), [bits, pa.py_buffer(made.tobytes())])
