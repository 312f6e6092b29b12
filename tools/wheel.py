#!/usr/bin/env python3
"""wheel.py PYTHON HEADER LIBRARIES PLUGINS VERSION OUT: writes the Python package as one wheel into the folder OUT.
wheel.py package PYTHON HEADER VERSION OUT: writes it into OUT without libraries, for a distribution that packages them.

PYTHON is the folder with the package, HEADER dae.h, from which cffi's declarations are made; LIBRARIES has libdae.so.1 and
dae-probe, linked so that they search for other libraries in their own folder libs/. All that they need are copied there, with
their licences, except the C runtime and the OpenCL loader, which belongs to the machine's drivers. The wheel is a plain
archive, so nothing is required but the standard library, a C preprocessor and binutils."""

import base64
import hashlib
import os
import pathlib
import platform
import re
import shutil
import subprocess
import sys
import tempfile
import zipfile

# Of the C and C++ runtime, and of the OpenCL loader, a machine has its own.
OF_THE_MACHINE = ("libc.", "libm.", "libpthread.", "libdl.", "librt.", "libstdc++.", "libgcc_s.", "libOpenCL.")
METADATA = """Metadata-Version: 2.1
Name: dae-cl
Version: {version}
Summary: Denoising autoencoders on any OpenCL device
License: Apache-2.0
Requires-Python: >=3.8
Requires-Dist: cffi>=1.15
Requires-Dist: numpy>=1.22
Provides-Extra: sklearn
Requires-Dist: scikit-learn>=1.6; extra == "sklearn"
"""


def declarations(header):
    """dae.h as cffi reads it: preprocessed, without what its own includes declare."""
    with tempfile.TemporaryDirectory() as empty:
        for name in ("stddef.h", "stdint.h"):
            pathlib.Path(empty, name).touch()
        command = [os.environ.get("CPP_COMMAND", "cc"), "-E", "-P", "-nostdinc", "-I", empty, "-I", header.parents[1], header]
        text = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    return '"""From dae.h, by tools/wheel.py."""\n\nDECLARATIONS = """\n' + text + '"""\n'


def needed(binary):
    """The libraries that a program loads: name -> path."""
    listed = subprocess.run(["ldd", binary], check=True, capture_output=True, text=True).stdout
    return dict(re.findall(r"^\s*(\S+) => (/\S+)", listed, re.M))


def licence_of(path):
    """Debian's copyright file of the package that a library comes from; None elsewhere."""
    for name in (path, os.path.realpath(path)):
        found = subprocess.run(["dpkg", "-S", name], capture_output=True, text=True) if shutil.which("dpkg") else None
        if found and found.returncode == 0:
            return pathlib.Path("/usr/share/doc", found.stdout.split(":")[0], "copyright")
    return None


def copy_stripped(source, target):
    target.parent.mkdir(parents=True, exist_ok=True)
    shutil.copyfile(source, target)
    subprocess.run(["strip", "--strip-unneeded", target], check=True)


def copy_modules(package, python, header):
    package.mkdir(parents=True)
    for file in sorted((python / "dae_cl").iterdir()):
        if file.suffix == ".py" or file.name == "py.typed":
            shutil.copyfile(file, package / file.name)
    (package / "_declarations.py").write_text(declarations(header))


def fill(folder, python, header, libraries, plugins):
    """Puts everything below folder/dae_cl."""
    package = folder / "dae_cl"
    copy_modules(package, python, header)
    for name in ("libdae.so.1", "dae-probe"):
        copy_stripped(libraries / name, package / "lib" / name)
    (package / "lib" / "dae-probe").chmod(0o755)
    for plugin in sorted(plugins.glob("*.so")):
        copy_stripped(plugin, package / "lib" / "plugins" / plugin.name)
    for name, path in sorted(needed(libraries / "libdae.so.1").items()):
        if not name.startswith(OF_THE_MACHINE):
            copy_stripped(path, package / "lib" / "libs" / name)
            licence = licence_of(path)
            if licence and licence.exists():
                shutil.copyfile(licence, package / "lib" / "libs" / (name + ".copyright"))
    shutil.copyfile(python.parent / "LICENSE", package / "LICENSE")


def write(folder, version, out):
    """Zips the folder, with the three files that make it a wheel. Equal content gives equal bytes."""
    tag = "py3-none-linux_" + platform.machine()
    info = folder / f"dae_cl-{version}.dist-info"
    info.mkdir()
    (info / "METADATA").write_text(METADATA.format(version=version))
    (info / "WHEEL").write_text(f"Wheel-Version: 1.0\nGenerator: dae-cl\nRoot-Is-Purelib: false\nTag: {tag}\n")
    record, target = "", out / f"dae_cl-{version}-{tag}.whl"
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED, compresslevel=9) as wheel:
        for file in sorted(path for path in folder.rglob("*") if path.is_file()):
            name, content = file.relative_to(folder).as_posix(), file.read_bytes()
            digest = base64.urlsafe_b64encode(hashlib.sha256(content).digest()).rstrip(b"=").decode()
            record += f"{name},sha256={digest},{len(content)}\n"
            entry = zipfile.ZipInfo(name)
            entry.external_attr = (file.stat().st_mode & 0o755 | 0o100644) << 16
            entry.compress_type = zipfile.ZIP_DEFLATED
            wheel.writestr(entry, content)
        name = f"{info.name}/RECORD"
        wheel.writestr(zipfile.ZipInfo(name), record + f"{name},,\n")
    return target


def write_package(python, header, version, out):
    copy_modules(out / "dae_cl", python, header)
    info = out / f"dae_cl-{version}.dist-info"
    info.mkdir()
    (info / "METADATA").write_text(METADATA.format(version=version))


def main():
    if len(sys.argv) == 6 and sys.argv[1] == "package":
        python, header, version, out = sys.argv[2:]
        write_package(pathlib.Path(python).resolve(), pathlib.Path(header).resolve(), version, pathlib.Path(out))
        return
    if len(sys.argv) != 7:
        sys.exit(__doc__)
    python, header, libraries, plugins = (pathlib.Path(path).resolve() for path in sys.argv[1:5])
    version, out = sys.argv[5], pathlib.Path(sys.argv[6])
    with tempfile.TemporaryDirectory() as folder:
        fill(pathlib.Path(folder), python, header, libraries, plugins)
        for old in out.glob("dae_cl-*.whl"):
            old.unlink()
        target = write(pathlib.Path(folder), version, out)
    print(f"{target}: {target.stat().st_size / 1e6:.2f} MB")


main()
