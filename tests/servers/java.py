"""Java's options for processes of Spark that live for seconds: compiling their code well takes more than it gives."""

from octo_resources.engines.spark import archive

LIGHT_JAVA = f"-XX:TieredStopAtLevel=1 -XX:+UseSerialGC {archive.options()}".strip()
