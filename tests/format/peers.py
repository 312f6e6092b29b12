"""peers.py DAE_CL MODEL: image files as other programs write them, over modes, depths and compressions. MODEL returns its
input, so what dae-cl denoise writes is what it has read. Each file must come back equal to the array that its writer
stored, or be refused by name; none may be misread. Prints what is wrong and a last line with the numbers; exits 1 if
anything is. Writers that are not installed are left out, and the last line but one names them."""
import collections
import importlib
import itertools
import os
import subprocess
import sys
import tempfile

import numpy as np

missing = []


def optional(name):
    try:
        return importlib.import_module(name)
    except ImportError:
        missing.append(name)
        return None


os.environ["OPENCV_IO_ENABLE_OPENEXR"] = "1" # which OpenCV else refuses to write
cv2, tifffile, imageio = optional("cv2"), optional("tifffile"), optional("imageio.v3")
fits = optional("astropy.io.fits")
imagecodecs = optional("imagecodecs")
pyvips, OpenEXR = optional("pyvips"), optional("OpenEXR")
PIL = optional("PIL.Image")

H, W = 19, 26
rng = np.random.default_rng(5)
Case = collections.namedtuple("Case", "path wanted") # wanted: an array, or None if the file must be refused
cases = []
os.chdir(tempfile.mkdtemp())
for folder in ("ints", "floats", "stacks"):
    os.mkdir(folder)


def smooth(channels, dtype=np.uint8):
    """A picture that JPEG can store; (H,W) or (H,W,C), with all bytes of deep numbers in use."""
    y, x = np.mgrid[0:H, 0:W]
    planes = [(40 + 7 * y + 4 * x + 30 * c + rng.integers(0, 8, (H, W))) % 256 for c in range(channels)]
    out = np.stack(planes, -1).astype(np.uint8)
    if dtype == np.uint16:
        out = (out.astype(np.uint16) << 8) | rng.integers(0, 256, out.shape, np.uint16)
    elif np.issubdtype(dtype, np.floating):
        out = (out / 300 + rng.random(out.shape) / 300).astype(dtype)
    elif dtype != np.uint8:
        out = out.astype(dtype)
    return out[..., 0] if channels == 1 else out


def name(group, writer, ending):
    return "%s/%03d_%s.%s" % (group, len(cases), writer, ending)


def group_of(array):
    return "floats" if array is not None and np.issubdtype(array.dtype, np.floating) else "ints"


def add(writer, ending, write, wanted, group=None):
    """wanted: an array, or a function that reads the file as its writer does, or None."""
    path = name(group or (group_of(wanted) if not callable(wanted) else "ints"), writer, ending)
    try:
        write(path)
    except Exception as error: # this version of the writer cannot write it
        print("not written: %s: %s" % (path, error))
        return
    if not os.path.exists(path):
        return
    cases.append(Case(path, wanted(path) if callable(wanted) else wanted))


def pillow():
    from PIL import Image

    def read(path):
        image = Image.open(path)
        return np.asarray(image.convert("RGB") if image.mode in ("YCbCr", "P") else image)

    def of(mode):
        if mode == "1":
            return Image.fromarray(smooth(1) > 128)
        if mode == "P":
            return Image.fromarray(smooth(3)).quantize(37)
        if mode in ("CMYK", "LAB", "YCbCr"):
            return Image.fromarray(smooth(3)).convert(mode) if mode != "LAB" else Image.frombytes("LAB", (W, H), smooth(3).tobytes())
        if mode == "F":
            return Image.fromarray(smooth(1, np.float32))
        if mode == "I;16":
            return Image.fromarray(smooth(1, np.uint16))
        if mode == "I":
            return Image.fromarray(smooth(1, np.int32) * 1000)
        return Image.fromarray(smooth({"L": 1, "LA": 2, "RGB": 3, "RGBA": 4}[mode]), mode if mode == "LA" else None)

    def array(mode, image):
        if mode == "1":
            return np.asarray(image).astype(np.uint8) * 255
        return np.asarray(image.convert("RGB")) if mode == "P" else np.asarray(image)

    def saved(image, **options):
        return lambda path: image.save(path, **options)

    for mode, level in itertools.product(("1", "L", "LA", "P", "RGB", "RGBA", "I;16"), (0, 1, 9)):
        image = of(mode)
        add("pillow", "png", saved(image, compress_level=level), array(mode, image))
    image = of("P")
    add("pillow", "png", saved(image, transparency=3), lambda path: np.asarray(Image.open(path).convert("RGBA")))
    image = Image.fromarray(smooth(3))
    add("pillow", "png", saved(image, transparency=tuple(int(v) for v in np.asarray(image)[2, 3])),
        lambda path: np.asarray(Image.open(path).convert("RGBA")))
    for mode, quality, progressive, sampling in itertools.product(("L", "RGB"), (30, 95), (False, True), (0, 1, 2)):
        add("pillow", "jpg", saved(of(mode), quality=quality, progressive=progressive, subsampling=sampling), read)
    add("pillow", "jpg", saved(of("CMYK")), None)
    for mode, codec in itertools.product(("1", "L", "LA", "P", "RGB", "RGBA", "I;16", "F"),
                                         (None, "tiff_lzw", "tiff_adobe_deflate", "packbits", "zstd", "lzma")):
        image = of(mode)
        add("pillow", "tif", saved(image, compression=codec), array(mode, image))
    image = of("1")
    add("pillow", "tif", saved(image, compression="group4"), array("1", image))
    for mode in ("L", "RGB", "YCbCr"):
        add("pillow", "tif", saved(of(mode), compression="jpeg"), read)
    for mode in ("CMYK", "LAB", "I"):
        add("pillow", "tif", saved(of(mode)), None)
    pages = [of("L") for _ in range(4)]
    add("pillow", "tif", lambda path: pages[0].save(path, save_all=True, append_images=pages[1:]),
        np.stack([np.asarray(p) for p in pages]), "stacks")
    for mode, lossless in itertools.product(("RGB", "RGBA"), (True, False)):
        add("pillow", "webp", saved(of(mode), lossless=lossless, exact=True), lambda path: np.asarray(Image.open(path)))
    add("pillow", "webp", lambda path: of("RGB").save(path, save_all=True, append_images=[of("RGB")]), None)
    for mode in ("1", "L", "P", "RGB", "RGBA"):
        image = of(mode)
        add("pillow", "bmp", saved(image), array(mode, image) if mode != "RGBA" else read)
    for mode, ending in (("1", "pbm"), ("L", "pgm"), ("RGB", "ppm"), ("I;16", "pgm"), ("L", "pnm")):
        image = of(mode)
        add("pillow", ending, saved(image), array(mode, image))
    image = of("F")
    add("pillow", "pfm", saved(image), np.asarray(image))
    for ending in ("gif", "jp2", "avif", "psd", "dcm"):
        if ending not in ("psd", "dcm"):
            add("pillow", ending, saved(of("RGB")), None)


def opencv():
    def writing(array, *options):
        return lambda path: cv2.imwrite(path, array, list(options))

    def shown(array): # OpenCV stores blue first
        return array if array.ndim == 2 else array[..., [2, 1, 0] + [3] * (array.shape[2] == 4)]

    for dtype, channels, level in itertools.product((np.uint8, np.uint16), (1, 3, 4), (0, 5)):
        array = smooth(channels, dtype)
        add("opencv", "png", writing(array, cv2.IMWRITE_PNG_COMPRESSION, level), shown(array))
    for dtype, channels, codec in itertools.product((np.uint8, np.uint16, np.float32, np.float64), (1, 3, 4), (1, 5, 8, 32946)):
        array = smooth(channels, dtype)
        wanted = None if channels == 4 and np.issubdtype(dtype, np.floating) else shown(array)
        add("opencv", "tif", writing(array, cv2.IMWRITE_TIFF_COMPRESSION, codec), wanted, group_of(array))
    for channels, quality in itertools.product((1, 3), (20, 90)):
        add("opencv", "jpg", writing(smooth(channels), cv2.IMWRITE_JPEG_QUALITY, quality),
            lambda path: shown(cv2.imread(path, cv2.IMREAD_UNCHANGED)))
    for channels in (3, 4): # lossless, but the colours of transparent pixels are free
        add("opencv", "webp", writing(smooth(channels), cv2.IMWRITE_WEBP_QUALITY, 101),
            lambda path: shown(cv2.imread(path, cv2.IMREAD_UNCHANGED)))
    for channels in (1, 3, 4):
        array = smooth(channels)
        add("opencv", "bmp", writing(array), shown(array))
    for dtype, channels, raw in itertools.product((np.uint8, np.uint16), (1, 3), (0, 1)):
        array = smooth(channels, dtype)
        add("opencv", "pgm" if channels == 1 else "ppm", writing(array, cv2.IMWRITE_PXM_BINARY, raw), shown(array))
    for channels in (1, 3):
        array = smooth(channels, np.float32)
        add("opencv", "pfm", writing(array), shown(array))
    for channels, kind in itertools.product((1, 3), (cv2.IMWRITE_EXR_TYPE_HALF, cv2.IMWRITE_EXR_TYPE_FLOAT)):
        array = smooth(channels, np.float32).astype(np.float16).astype(np.float32)
        add("opencv", "exr", writing(array, cv2.IMWRITE_EXR_TYPE, kind), shown(array))
    add("opencv", "hdr", writing(smooth(3, np.float32)), None)
    add("opencv", "jp2", writing(smooth(3)), None)


def astronomy():
    """Of astropy: rows come in the order in which a FITS stores them."""
    for dtype, extension in itertools.product((np.uint8, np.uint16, np.float32, np.float64), (False, True)):
        image = smooth(1, dtype)
        units = [fits.PrimaryHDU(), fits.ImageHDU(image)] if extension else [fits.PrimaryHDU(image)]
        add("astropy", "fits", fits.HDUList(units).writeto, image)
    for dtype in (np.int16, np.int32, np.int64):
        image = smooth(1, dtype) - 100
        add("astropy", "fits", fits.PrimaryHDU(image).writeto, image.astype(np.float32))
    pages = np.stack([smooth(1) for _ in range(3)])
    add("astropy", "fits", fits.PrimaryHDU(pages).writeto, pages, "stacks")
    add("astropy", "fits", fits.HDUList([fits.PrimaryHDU(), fits.CompImageHDU(smooth(1))]).writeto, None)


def tiffs():
    def writing(array, **options):
        return lambda path: tifffile.imwrite(path, array, **options)

    codecs = [None, "packbits"] + (["lzw", "deflate", "zstd", "lzma"] if imagecodecs else ["deflate"])
    for dtype, channels, codec, tile in itertools.product((np.uint8, np.uint16, np.float32), (1, 3), codecs, (None, (16, 16))):
        array = smooth(channels, dtype)
        options = {"photometric": "rgb" if channels == 3 else "minisblack", "compression": codec, "tile": tile}
        if codec in ("lzw", "deflate") and imagecodecs:
            options["predictor"] = 3 if dtype == np.float32 else 2
        add("tifffile", "tif", writing(array, **options), array)
    for dtype, order, big in itertools.product((np.uint8, np.uint16, np.float32), "<>", (False, True)):
        array = smooth(3, dtype)
        add("tifffile", "tif", writing(np.moveaxis(array, -1, 0), photometric="rgb", planarconfig="separate", byteorder=order,
                                       bigtiff=big, rowsperstrip=5), array)
    for dtype, codec in itertools.product((np.uint8, np.uint16, np.float32), (None, "deflate")):
        array = np.stack([smooth(1, dtype) for _ in range(5)])
        add("tifffile", "tif", writing(array, photometric="minisblack", compression=codec), array, "stacks")
    for extra in ("unassalpha", "unspecified"):
        array = smooth(4, np.uint16)
        add("tifffile", "tif", writing(array, photometric="rgb", extrasamples=[extra]), array)
    array = smooth(1)
    add("tifffile", "tif", writing(255 - array, photometric="miniswhite"), array)
    for dtype in (np.int8, np.int16, np.int32, np.uint32, np.float16, np.complex64):
        add("tifffile", "tif", writing(smooth(1, np.uint8).astype(dtype), photometric="minisblack"), None)
    add("tifffile", "tif", writing(smooth(4), photometric="separated"), None)
    add("tifffile", "tif", writing(smooth(3), photometric="cielab"), None)
    array = smooth(2)
    add("tifffile", "tif", writing(np.moveaxis(array, -1, 0), photometric="minisblack", planarconfig="separate"), array)
    array = smooth(1)

    def mixed(path):
        with tifffile.TiffWriter(path) as writer:
            writer.write(smooth(1), photometric="minisblack")
            writer.write(smooth(3), photometric="rgb")
    add("tifffile", "tif", mixed, None)

    def pyramid(path):
        with tifffile.TiffWriter(path) as writer:
            writer.write(array, photometric="minisblack")
            writer.write(array[::2, ::2], photometric="minisblack", subfiletype=1)
    add("tifffile", "tif", pyramid, array)


def imageios():
    for ending, dtype, channels in (("png", np.uint8, 1), ("png", np.uint8, 3), ("png", np.uint8, 4), ("png", np.uint16, 1),
                                    ("tif", np.uint8, 3), ("tif", np.uint16, 1), ("tif", np.float32, 1), ("bmp", np.uint8, 3),
                                    ("ppm", np.uint8, 3), ("pgm", np.uint8, 1)):
        array = smooth(channels, dtype)
        add("imageio", ending, lambda path: imageio.imwrite(path, array), array)


def magick(program):
    """ImageMagick or GraphicsMagick: the array is what the program itself decodes."""
    command = [program] if program == "convert" else [program, "convert"]

    def decoded(path):
        alpha = "rgba" in path or "Alpha" in path
        raw = subprocess.run(command + [path, "-depth", "16", "rgba:-" if alpha else "rgb:-"], check=True,
                             capture_output=True).stdout
        return np.frombuffer(raw, "<u2" if program == "convert" else ">u2").reshape(H, W, 4 if alpha else 3)

    def writing(kind, *options):
        source = np.ascontiguousarray(smooth(4))
        return lambda path: subprocess.run(
            command + ["-size", "%dx%d" % (W, H), "-depth", "8", "rgba:-", *options, "-type", kind, path],
            input=source.tobytes(), check=True, capture_output=True)

    flat = ["-background", "white", "-flatten"] if program == "convert" else ["+matte"]
    for kind, ending, depth in itertools.product(("Bilevel", "Grayscale", "Palette", "TrueColor"),
                                                 ("png", "tif", "ppm", "bmp"), ("8", "16")):
        if ending == "bmp" and depth == "16":
            continue
        add(program + "_" + kind, ending, writing(kind, *flat, "-depth", depth), decoded)
    for codec in ("None", "LZW", "Zip", "RLE"):
        add(program + "_" + codec, "tif", writing("TrueColor", *flat, "-depth", "16", "-compress", codec), decoded)
    for kind, ending in (("TrueColorMatte", "png"), ("TrueColorMatte", "tif")):
        add(program + "_rgba", ending, writing(kind, "-depth", "8"), decoded)
    if program == "convert":
        add("convert", "bmp", writing("TrueColor", *flat, "-define", "bmp:format=bmp2"), decoded)
        add("convert_RLE", "bmp", writing("Palette", *flat, "-compress", "RLE"), decoded)
        add("convert_RLE", "bmp", writing("Grayscale", *flat, "-compress", "RLE"), decoded)
        add("convert", "tif", writing("ColorSeparation", *flat), None)
        add("convert", "gif", writing("Palette", *flat), None)
        add("convert_plain", "ppm", writing("TrueColor", *flat, "-compress", "none"), decoded)


def vips():
    """Of libvips: bands and depths, compressions, strips and tiles."""
    def image_of(array):
        image = pyvips.Image.new_from_array(array)
        kind = {1: "b-w", 3: "srgb"} if array.dtype == np.uint8 else {1: "grey16", 3: "rgb16"}
        bands = image.bands - (image.bands in (2, 4))
        return image if array.dtype == np.float32 else image.copy(interpretation=kind[bands])

    def writing(array, **options):
        return lambda path: image_of(array).write_to_file(path, **options)

    def read(path):
        array = pyvips.Image.new_from_file(path).numpy()
        return array[..., 0] if array.ndim == 3 and array.shape[2] == 1 else array

    for dtype, channels, codec, tile in itertools.product((np.uint8, np.uint16, np.float32), (1, 3),
                                                          ("none", "lzw", "deflate", "packbits", "zstd"), (False, True)):
        array = smooth(channels, dtype)
        add("vips", "tif", writing(array, compression=codec, tile=tile, tile_width=16, tile_height=16), array)
    for dtype, channels, predictor in itertools.product((np.uint8, np.uint16), (2, 4), ("none", "horizontal")):
        array = smooth(channels, dtype)
        add("vips", "tif", writing(array, compression="lzw", predictor=predictor, bigtiff=True), array)
    for bits in (1, 2, 4): # what is left of 8 bits is what libvips itself reads
        add("vips", "tif", writing(smooth(1), bitdepth=bits), read)
    for dtype, channels, interlace in itertools.product((np.uint8, np.uint16), (1, 2, 3, 4), (False, True)):
        array = smooth(channels, dtype)
        add("vips", "png", writing(array, interlace=interlace), array)
    for channels in (1, 3):
        add("vips", "png", writing(smooth(channels), palette=True), read)
        for interlace in (False, True):
            add("vips", "jpg", writing(smooth(channels), Q=90, interlace=interlace), read)
    for channels in (3, 4):
        add("vips", "webp", writing(smooth(channels), lossless=True, exact=True), read)
    add("vips", "tif", lambda path: image_of(smooth(3)).colourspace("cmyk").write_to_file(path), None)
    add("vips", "tif", lambda path: image_of(smooth(3)).colourspace("lab").write_to_file(path), None)
    for ending in ("gif", "jp2", "jxl", "avif"):
        add("vips", ending, writing(smooth(3)), None)


def openexrs():
    """Of OpenEXR's own package: half and float, lines and tiles; what is lossy in a way that few read is refused."""
    codecs = [name for name in dir(OpenEXR) if name.endswith("_COMPRESSION")]
    read = [getattr(OpenEXR, name + "_COMPRESSION") for name in ("NO", "RLE", "ZIPS", "ZIP", "PIZ", "PXR24")]

    def writing(array, codec, tiled, names):
        header = {"compression": getattr(OpenEXR, codec), "comments": "a test",
                  "type": OpenEXR.tiledimage if tiled else OpenEXR.scanlineimage}
        if tiled:
            header["tiles"] = OpenEXR.TileDescription()
            header["tiles"].xSize, header["tiles"].ySize = 8, 16
        planes = array[..., None] if array.ndim == 2 else array
        channels = {name: np.ascontiguousarray(planes[..., i]) for i, name in enumerate(names)}
        return lambda path: OpenEXR.File(header, channels).write(path)

    def shown(path): # PXR24 rounds floats, and some codecs do not write tiles
        file = OpenEXR.File(path, separate_channels=True)
        channels = file.channels()
        if file.header()["compression"] not in read:
            return None
        planes = [channels[name].pixels.astype(np.float32) for name in ("RGB" if "R" in channels else "Y")]
        return planes[0] if len(planes) == 1 else np.stack(planes, -1)

    for codec, dtype, channels, tiled in itertools.product(codecs, (np.float16, np.float32), (1, 3), (False, True)):
        write = writing(smooth(channels, dtype), codec, tiled, "Y" if channels == 1 else "RGB")
        add("openexr", "exr", write, shown, "floats")
    add("openexr", "exr", writing(smooth(3, np.uint32), "ZIP_COMPRESSION", False, "RGB"), None, "floats")
    add("openexr", "exr", writing(smooth(2, np.float16), "ZIP_COMPRESSION", False, "RG"), None, "floats")
    add("openexr", "exr", writing(smooth(4, np.float16), "ZIP_COMPRESSION", False, "RGBA"), None, "floats")


def fractions(array):
    """(..., 4) in [0, 1]: grey becomes three channels, and what is not transparent is opaque."""
    array = np.asarray(array)
    largest = 65535 if array.dtype.itemsize == 2 else 255
    array = array / largest if np.issubdtype(array.dtype, np.integer) else array.astype(float)
    array = array[..., None] if array.ndim == 2 else array
    colour, alpha = (array[..., :-1], array[..., -1:]) if array.shape[-1] in (2, 4) else (array, np.ones(array.shape[:-1] + (1,)))
    return np.concatenate([np.repeat(colour, 3, -1) if colour.shape[-1] == 1 else colour, alpha], -1)


def read_png(path):
    """With nothing but zlib, since no library reads all of 8 and 16 bits, grey and colour, with and without alpha."""
    import struct
    import zlib
    data, at, packed = open(path, "rb").read(), 8, b""
    width, height, bits, kind = struct.unpack(">IIBB", data[16:26])
    while at < len(data):
        size, chunk = struct.unpack(">I4s", data[at:at + 8])
        packed += data[at + 8:at + 8 + size] if chunk == b"IDAT" else b""
        at += size + 12
    channels = {0: 1, 2: 3, 4: 2, 6: 4}[kind]
    each = channels * bits // 8
    rows = np.frombuffer(zlib.decompress(packed), np.uint8).reshape(height, 1 + width * each)
    out = np.zeros((height + 1, width * each + each), np.int64) # a row above and a pixel to the left, of zeros
    for y in range(height):
        for i in range(width * each):
            a, b, c = out[y + 1, i], out[y, i + each], out[y, i]
            p = a + b - c
            near = min((abs(p - a), 0, a), (abs(p - b), 1, b), (abs(p - c), 2, c))[2]
            out[y + 1, i + each] = (int(rows[y, 1 + i]) + (0, a, b, (a + b) // 2, near)[rows[y, 0]]) % 256
    raw = out[1:, each:].astype(np.uint8).tobytes()
    return np.frombuffer(raw, ">u2" if bits == 16 else np.uint8).reshape(height, width, channels)


def read_pfm(path):
    with open(path, "rb") as file:
        kind, size, scale = file.readline().strip(), file.readline().split(), float(file.readline())
        values = np.frombuffer(file.read(), "<f4" if scale < 0 else ">f4")
    return values.reshape(int(size[1]), int(size[0]), 3 if kind == b"PF" else 1)[::-1]


def judge(case, result, said):
    """What is wrong with a case; None: nothing."""
    refused = [line for line in said if case.path in line]
    if case.wanted is None:
        if os.path.exists(result):
            return "read, although nobody could tell how"
        return None if refused else "neither read nor named"
    if not os.path.exists(result):
        return "not read: " + (refused[0].strip() if refused else "nothing said")
    got = {"png": read_png, "pfm": read_pfm, "tif": lambda path: tifffile.imread(path)}[result[-3:]](result)
    want, got = (np.stack([fractions(page) for page in a]) if case.path.startswith("stacks") else fractions(a)
                 for a in (case.wanted, got))
    if want.shape != got.shape:
        return "shape %s, not %s" % (got.shape, want.shape)
    difference = np.abs(want - got).max()
    return None if difference <= 1e-6 else "misread by up to %.6f" % difference


def main():
    dae_cl, model = sys.argv[1:]
    for module, write in ((PIL, pillow), (cv2, opencv), (tifffile, tiffs), (imageio, imageios), (fits, astronomy),
                          (pyvips, vips), (OpenEXR, openexrs)):
        if module:
            write()
    for program in ("convert", "gm"):
        if subprocess.run(["which", program], capture_output=True).returncode == 0:
            magick(program)
        else:
            missing.append(program)
    wrong = 0
    for group, ending in (("ints", "png"), ("floats", "pfm"), ("stacks", "tif")):
        some = [c for c in cases if c.path.startswith(group)]
        with open("list", "w") as file:
            file.write("\n".join(c.path for c in some))
        done = subprocess.run([dae_cl, "denoise", model, "@list", "-o", "out_" + group, "--format", ending, "--keep-going"],
                              capture_output=True, text=True)
        if done.returncode not in (0, 4):
            print("exit status %d: %s" % (done.returncode, done.stderr))
            wrong += 1
        for case in some:
            result = "out_%s/%s.%s" % (group, os.path.basename(case.path).rsplit(".", 1)[0], ending)
            own = "out_%s/%s" % (group, os.path.basename(case.path))
            what = judge(case, own if os.path.exists(own) else result, done.stderr.splitlines())
            if what:
                wrong += 1
                print("%s: %s" % (case.path, what))
    refused = sum(c.wanted is None for c in cases)
    print("not installed: %s" % (", ".join(missing) or "nothing"))
    print("%d files: %d read equal, %d refused by name, %d wrong" % (len(cases), len(cases) - refused - wrong, refused, wrong))
    return wrong > 0


sys.exit(main())
