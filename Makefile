# dae-cl: denoising autoencoders on any OpenCL device.
#
#   make            builds build/dae-cl and its plugins
#   make run        installs what is missing, builds, trains configs/conv_mnist.yaml, names the report
#   make deps test  installs what building and testing require, runs the whole test suite
#   make help       every target with one line
.DEFAULT_GOAL := all
.DELETE_ON_ERROR:
SHELL := /bin/bash

VERSION = $(shell sed -n 's/.*DAE_CL_VERSION "\(.*\)"/\1/p' src/base/version.h)
RELEASED = $(shell sed -n 's/.*DAE_CL_RELEASED "\(.*\)"/\1/p' src/base/version.h)
BUILD  ?= build
PREFIX ?= /usr/local
CC     ?= cc
OPT    ?= -O2 -g
JOBS   ?= $(shell nproc 2>/dev/null || echo 1)
CLANG_FORMAT ?= clang-format
CLANG_TIDY   ?= clang-tidy
WARN   := -Wall -Wextra -Werror -Wshadow -Wstrict-prototypes -Wmissing-prototypes -Wpointer-arith -Wvla
CFLAGS_ALL := -std=c11 $(OPT) $(WARN) -fPIC -pthread -MMD -MP $(SAN) $(CFLAGS)
CPPFLAGS_ALL := -Isrc -I$(BUILD)/gen -D_POSIX_C_SOURCE=200809L -DCL_TARGET_OPENCL_VERSION=120 $(CPPFLAGS)
LIBS   := -lOpenCL -lclblast -lyaml -lpng -ljpeg -lz -lcjson -lmd -llapacke -lopenblas -ldl -lm

# Image kinds whose libraries are optional: without one, its files are refused by name (dae-cl help formats).
ifeq ($(shell pkg-config --atleast-version=4.5 libtiff-4 2>/dev/null && echo yes),yes)
CPPFLAGS_ALL += -DHAVE_TIFF
LIBS += -ltiff
endif
ifeq ($(shell pkg-config --exists libwebp libwebpmux 2>/dev/null && echo yes),yes)
CPPFLAGS_ALL += -DHAVE_WEBP
LIBS += -lwebp -lwebpmux
endif
ifeq ($(shell pkg-config --atleast-version=3.1 OpenEXR 2>/dev/null && echo yes),yes)
CPPFLAGS_ALL += -DHAVE_EXR
LIBS += -lOpenEXRCore
endif

# Archives: without the library, they are refused by name.
ifeq ($(shell pkg-config --exists libarchive 2>/dev/null && echo yes),yes)
CPPFLAGS_ALL += -DHAVE_ARCHIVE
LIBS += -larchive
endif

# ONNX files: without the library or its compiler, the commands that write them say so.
ifeq ($(shell pkg-config --exists libprotobuf-c 2>/dev/null && command -v protoc-c >/dev/null && echo yes),yes)
CPPFLAGS_ALL += -DHAVE_ONNX
LIBS += -lprotobuf-c
ONNX_OBJECT := $(BUILD)/gen/format/onnx.pb-c.o
endif

# Where `make install` puts files, below DESTDIR.
BIN_DIR    := $(PREFIX)/bin
SO_DIR     := $(PREFIX)/lib
LIB_DIR    := $(SO_DIR)/dae-cl
SHARE_DIR  := $(PREFIX)/share/dae-cl
INCLUDE_DIR := $(PREFIX)/include/dae
PC_DIR     := $(SO_DIR)/pkgconfig
MAN_DIR    := $(PREFIX)/share/man/man1
BASH_DIR   := $(PREFIX)/share/bash-completion/completions
FISH_DIR   := $(PREFIX)/share/fish/vendor_completions.d
ZSH_DIR    := $(PREFIX)/share/zsh/site-functions

# Transports over MPI, one for each implementation whose compiler is here: the program itself is not linked to MPI.
MPICC_openmpi := $(firstword $(shell command -v mpicc.openmpi) $(shell mpicc --showme >/dev/null 2>&1 && command -v mpicc))
MPICC_mpich   := $(firstword $(shell command -v mpicc.mpich) $(shell mpicc -compile-info >/dev/null 2>&1 && command -v mpicc))
TRANSPORTS    := $(foreach mpi,openmpi mpich,$(if $(MPICC_$(mpi)),$(BUILD)/transports/dae-mpi-$(mpi).so))

PUBLIC_HEADERS := dae.h plugin.h status.h transport.h

SHARED       := $(addprefix $(BUILD)/share/,configs init template/Makefile)
MAN_PAGES    := $(BUILD)/man/dae-cl.1 $(patsubst %,$(BUILD)/man/dae-cl-%.1,$(shell sed -n 's/^ *X(\([a-z_]*\)).*/\1/p' src/cli/command.h))
COMPLETIONS  := $(addprefix $(BUILD)/completion/,bash fish zsh)
LIB_SOURCES  := $(filter-out src/cli/%,$(wildcard src/*/*.c src/*/*/*.c))
CLI_SOURCES  := $(wildcard src/cli/*.c)
PLUGINS      := $(patsubst plugins/%.c,$(BUILD)/plugins/%.so,$(wildcard plugins/*.c))
HOST_KERNELS := $(filter-out $(patsubst plugins/%.c,kernels/%.cl,$(wildcard plugins/*.c)),$(wildcard kernels/*.cl kernels/*.clh))
LIB_OBJECTS  := $(LIB_SOURCES:%.c=$(BUILD)/%.o) $(BUILD)/gen/kernels_embedded.o $(ONNX_OBJECT)
CLI_OBJECTS  := $(CLI_SOURCES:%.c=$(BUILD)/%.o)
C_FILES      := $(wildcard src/*/*.[ch] src/*/*/*.[ch] plugins/*.c plugins/transports/*.c tests/*/*.[ch] tests/*/*/*.[ch] tools/*/*.[ch] examples/*.c)

COMMA := ,
# Prints one short line per file; V=1 shows the commands.
Q := $(if $(V),,@)

.PHONY: all
all: $(BUILD)/dae-cl $(BUILD)/libdae.so.1 $(BUILD)/dae-probe $(PLUGINS) $(TRANSPORTS) $(SHARED) $(MAN_PAGES) $(COMPLETIONS) ## build everything that is installed (the default)

$(BUILD)/libdae.a: $(LIB_OBJECTS)
	@rm -f $@; ar rcs $@ $^

$(BUILD)/dae-cl: $(CLI_OBJECTS) $(BUILD)/libdae.a
	@echo "  CC $@"
	$(Q)$(CC) $(SAN) -pthread -o $@ $^ $(LIBS) $(LDFLAGS)

# Where the program looks for what comes with it before it is installed.
$(BUILD)/share/configs: | configs
	@mkdir -p $(@D)
	$(Q)ln -sfnr configs $@
$(BUILD)/share/init: | tools/init
	@mkdir -p $(@D)
	$(Q)ln -sfnr tools/init $@
# Plugins of the tree under other names, with what builds and tests them.
TEMPLATE := gelu huber laplace
$(BUILD)/share/template/Makefile: $(wildcard tools/template/*) $(TEMPLATE:%=plugins/%.c) $(wildcard $(TEMPLATE:%=kernels/%.cl)) \
		tools/copy_plugin.sh
	@rm -rf $(@D)
	@mkdir -p $(@D)
	$(Q)for plugin in $(TEMPLATE); do bash tools/copy_plugin.sh $$plugin $(@D) || exit 1; done
	$(Q)cp tools/template/* $(@D)

# The library for other programs: of the archive only what its functions reach, so that it does not load what they do
# not use. PROBE is the program that it starts to probe drivers.
API_OBJECTS := $(patsubst %.c,$(BUILD)/%.o,$(wildcard src/lib/*.c))
PROBE_OBJECTS := $(BUILD)/src/cli/probe/main.o
$(BUILD)/libdae.so.1 $(BUILD)/wheel/libdae.so.1: $(API_OBJECTS) $(BUILD)/libdae.a src/lib/libdae.map
	@mkdir -p $(@D)
	@echo "  CC $@"
	$(Q)$(CC) $(SAN) -pthread -shared -Wl,-soname,libdae.so.1 -Wl,--version-script=src/lib/libdae.map -Wl,--as-needed \
		$(if $(SAN),,-Wl,-z$(COMMA)defs) -o $@ $(filter %.o,$^) $(filter %.a,$^) $(LIBS) $(LDFLAGS)
$(BUILD)/dae-probe $(BUILD)/wheel/dae-probe: $(PROBE_OBJECTS) $(BUILD)/libdae.a
	@mkdir -p $(@D)
	@echo "  CC $@"
	$(Q)$(CC) $(SAN) -pthread -Wl,--as-needed -o $@ $^ $(LIBS) $(LDFLAGS)
# A wheel reads no archives: libarchive alone would bring 13 MB of libraries for XML and Unicode.
$(BUILD)/wheel/libdae.so.1: $(BUILD)/wheel/archive_reader.o
$(BUILD)/wheel/archive_reader.o: src/format/archive_reader.c
	@mkdir -p $(@D)
	@echo "  CC $@"
	$(Q)$(CC) $(filter-out -DHAVE_ARCHIVE,$(CPPFLAGS_ALL)) $(CFLAGS_ALL) -c -o $@ $<
# In a wheel, both search for other libraries in their own folder, as do those libraries themselves (hence no RUNPATH).
$(BUILD)/wheel/libdae.so.1 $(BUILD)/wheel/dae-probe: LDFLAGS += -Wl,-rpath,'$$ORIGIN/libs' -Wl,--disable-new-dtags

.PHONY: wheel
wheel: all $(BUILD)/wheel/libdae.so.1 $(BUILD)/wheel/dae-probe ## build the Python package as one wheel, in build/wheel
	$(Q)python3 tools/wheel.py python src/dae/dae.h $(BUILD)/wheel $(BUILD)/plugins $(VERSION) $(BUILD)/wheel

$(BUILD)/%.o: %.c
	@mkdir -p $(@D)
	@echo "  CC $@"
	$(Q)$(CC) $(CPPFLAGS_ALL) $(CFLAGS_ALL) -c -o $@ $<

# Files that contain the prefix are compiled again when it changes: a new prefix creates an empty file with its name.
STAMP := $(BUILD)/gen/prefix$(subst /,-,$(PREFIX))
$(STAMP):
	@mkdir -p $(@D)
	@rm -f $(BUILD)/gen/prefix*
	@touch $@
$(BUILD)/src/cli/installed.o $(BUILD)/src/data/data_folder.o: $(STAMP)
$(BUILD)/src/cli/installed.o: CPPFLAGS_ALL += -DDAE_CL_PLUGINDIR='"$(LIB_DIR)/plugins"' -DDAE_CL_SHAREDIR='"$(SHARE_DIR)"'
$(BUILD)/src/data/data_folder.o: CPPFLAGS_ALL += -DDAE_CL_DATADIR='"$(SHARE_DIR)"'

# These are compiled again when a library is added: the name of an empty file tells which there are.
IMAGES_STAMP := $(BUILD)/gen/images$(filter -DHAVE_TIFF,$(CPPFLAGS_ALL))$(filter -DHAVE_WEBP,$(CPPFLAGS_ALL))$(filter -DHAVE_EXR,$(CPPFLAGS_ALL))
$(IMAGES_STAMP):
	@mkdir -p $(@D)
	@rm -f $(BUILD)/gen/images*
	@touch $@
$(patsubst %.c,$(BUILD)/%.o,$(wildcard src/format/tiff_*.c src/format/exr_*.c)) $(BUILD)/src/format/webp_image.o: $(IMAGES_STAMP)

ARCHIVE_STAMP := $(BUILD)/gen/archive$(filter -DHAVE_ARCHIVE,$(CPPFLAGS_ALL))
$(ARCHIVE_STAMP):
	@mkdir -p $(@D)
	@rm -f $(BUILD)/gen/archive*
	@touch $@
$(BUILD)/src/format/archive_reader.o: $(ARCHIVE_STAMP)

ONNX_STAMP := $(BUILD)/gen/onnx$(filter -DHAVE_ONNX,$(CPPFLAGS_ALL))
$(ONNX_STAMP):
	@mkdir -p $(@D)
	@rm -f $(BUILD)/gen/onnx*
	@touch $@
ONNX_FILES := $(patsubst %.c,$(BUILD)/%.o,$(wildcard src/format/onnx_*.c))
$(ONNX_FILES): $(ONNX_STAMP) $(ONNX_OBJECT:.o=.h)
$(BUILD)/gen/format/onnx.pb-c.c $(BUILD)/gen/format/onnx.pb-c.h &: src/format/onnx.proto
	@mkdir -p $(@D)
	$(Q)protoc-c --proto_path=src --c_out=$(BUILD)/gen format/onnx.proto
$(BUILD)/gen/format/onnx.pb-c.o: $(BUILD)/gen/format/onnx.pb-c.c
	@echo "  CC $@"
	$(Q)$(CC) $(CPPFLAGS_ALL) $(CFLAGS_ALL) -c -o $@ $<

# Kernel sources travel inside the binaries, as C strings.
$(BUILD)/gen/kernels_embedded.c: $(HOST_KERNELS) tools/embed.sh
	@mkdir -p $(@D)
	$(Q)bash tools/embed.sh table $(HOST_KERNELS) > $@.tmp && mv $@.tmp $@
$(BUILD)/gen/kernels_embedded.o: $(BUILD)/gen/kernels_embedded.c
	@echo "  CC $@"
	$(Q)$(CC) $(CPPFLAGS_ALL) $(CFLAGS_ALL) -c -o $@ $<
$(BUILD)/gen/%.cl.inc: kernels/%.cl tools/embed.sh
	@mkdir -p $(@D)
	$(Q)bash tools/embed.sh string $< > $@.tmp && mv $@.tmp $@

# A plugin sees only the public header and its own kernel.
$(BUILD)/include/dae/%.h: src/dae/%.h
	@mkdir -p $(@D)
	$(Q)cp $< $@
.PRECIOUS: $(BUILD)/gen/%.cl.inc $(BUILD)/gen/examples/%.cl.inc $(BUILD)/include/dae/%.h
.SECONDEXPANSION:
$(BUILD)/plugins/%.so: plugins/%.c $$(addprefix $(BUILD)/gen/,$$(addsuffix .inc,$$(notdir $$(wildcard kernels/$$*.cl)))) \
		$(BUILD)/include/dae/plugin.h
	@mkdir -p $(@D)
	@echo "  CC $@"
	$(Q)$(CC) -I$(BUILD)/include -I$(BUILD)/gen $(CPPFLAGS) $(CFLAGS_ALL) -shared -o $@ $< $(LDFLAGS)

# Layers of signals use the kernels of images with one row.
$(BUILD)/plugins/conv1d.so: $(BUILD)/gen/conv2d.cl.inc
$(BUILD)/plugins/conv1d_transpose.so: $(BUILD)/gen/conv_transpose2d.cl.inc
$(BUILD)/plugins/maxpool1d.so: $(BUILD)/gen/maxpool2d.cl.inc
$(BUILD)/plugins/upsample1d.so: $(BUILD)/gen/upsample2d.cl.inc

# MPI's headers are not ours, so that they may have warnings.
$(BUILD)/transports/dae-mpi-openmpi.so: MPI_NAME := Open MPI
$(BUILD)/transports/dae-mpi-mpich.so: MPI_NAME := MPICH
$(BUILD)/transports/dae-mpi-%.so: plugins/transports/mpi.c $(BUILD)/include/dae/transport.h
	@mkdir -p $(@D)
	@echo "  CC $@"
	$(Q)OMPI_CC='$(CC)' MPICH_CC='$(CC)' $(MPICC_$*) -DDAE_MPI_NAME='"$(MPI_NAME)"' -I$(BUILD)/include \
		$(filter-out -Werror,$(CFLAGS_ALL)) -shared -o $@ $<

# ---- Running. --------------------------------------------------------------------------------------------------------

.PHONY: deps
deps: ## install the packages that building and testing require
	@bash tools/packages.sh build test

.PHONY: run
run: ## install what building requires, build, and train the first example (NO_INSTALL=1: only say what is missing)
	@bash tools/packages.sh build
	@$(MAKE) --no-print-directory -j$(JOBS) all
	$(BUILD)/dae-cl run configs/conv_mnist.yaml --out auto

.PHONY: mnist
mnist: ## fetch MNIST (11 MB) into data/mnist
	bash tools/mnist.sh data/mnist

# ---- Tests: tests/<floor>/test_*.c, each a cmocka program linked with the library, and tests/cli/*.sh. ----------------

TEST_SOURCES := $(wildcard tests/*/test_*.c tests/*/*/test_*.c)
TESTS := $(TEST_SOURCES:%.c=$(BUILD)/%)
$(BUILD)/tests/%: tests/%.c $(BUILD)/libdae.a
	@mkdir -p $(@D)
	@echo "  CC $@"
	$(Q)$(CC) $(CPPFLAGS_ALL) $(CFLAGS_ALL) -o $@ $< $(BUILD)/libdae.a $(LIBS) -lcmocka $(LDFLAGS)

# These see the library as another program does.
$(BUILD)/tests/lib/%: tests/lib/%.c $(BUILD)/libdae.so.1 $(BUILD)/dae-probe
	@mkdir -p $(@D)
	@echo "  CC $@"
	$(Q)$(CC) -Isrc -D_GNU_SOURCE $(CPPFLAGS) $(CFLAGS_ALL) -o $@ $< $(BUILD)/libdae.so.1 -Wl,-rpath,$(abspath $(BUILD)) \
		-lmd -lcmocka -lm $(LDFLAGS)

.PHONY: tests
tests: $(TESTS) ## build the test programs

.PHONY: test
test: ## build everything, run every test; say what is missing, which `make deps` installs
	@NO_INSTALL=1 bash tools/packages.sh build test
	@$(MAKE) --no-print-directory -j$(JOBS) all tests
	@BUILD=$(BUILD) JOBS=$(JOBS) bash tests/run.sh

# The first run fills the kernel cache, so that all leaks that the second run reports are our own and need no
# suppression. With sanitizers, GCC sees truncation where there is none.
SANITIZER = OPT='-O1 -g -fno-omit-frame-pointer' SAN='$(1) -Wno-format-truncation'
SANITIZE = BUILD=build-asan $(call SANITIZER,-fsanitize=address$(COMMA)undefined -fno-sanitize-recover=undefined)
.PHONY: sanitize
sanitize: ## run every test under AddressSanitizer, LeakSanitizer and UBSan, in build-asan (PROGRAMS="...": these)
	@$(MAKE) --no-print-directory -j$(JOBS) $(SANITIZE) all tests
	@echo "warming up (leaks are not reported yet)"
	@BUILD=build-asan ASAN_OPTIONS=detect_leaks=0 bash tests/run.sh $(PROGRAMS) > build-asan/warm-up.log 2>&1 || \
		{ tail -n 40 build-asan/warm-up.log; exit 1; }
	@BUILD=build-asan bash tests/run.sh $(PROGRAMS)

# Our threads next to the training; PoCL's are not compiled for it, and need no suppression.
THREADED := train/test_ranks train/test_simulated_ranks
.PHONY: tsan
tsan: ## run the tests of several ranks under ThreadSanitizer, in build-tsan
	@$(MAKE) --no-print-directory -j$(JOBS) BUILD=build-tsan $(call SANITIZER,-fsanitize=thread) all $(THREADED:%=build-tsan/tests/%)
	@BUILD=build-tsan bash tests/run.sh $(THREADED:%=build-tsan/tests/%)

# A seed gives the same faults, kills and random bytes again, so a check that failed can be repeated.
SEED ?= 1

# The readers of strangers' bytes, under AddressSanitizer and UBSan.
FUZZ_CC ?= $(firstword $(shell command -v clang clang-15 clang-14) clang)
FUZZ_SAN := -fsanitize=address,undefined -fno-sanitize-recover=undefined
FUZZ_READERS ?= $(notdir $(wildcard tests/faults/corpus/*)) # of the table in tests/faults/fuzz.c
FUZZ_SECONDS ?= 20
.PHONY: fuzz
fuzz: ## give each reader of files random bytes for FUZZ_SECONDS (20), in build-fuzz (FUZZ_READERS="idx npy": these; SEED=N)
	@$(MAKE) --no-print-directory -j$(JOBS) BUILD=build-fuzz CC=$(FUZZ_CC) OPT='-O1 -g' SAN='$(FUZZ_SAN) -fsanitize=fuzzer-no-link' \
		build-fuzz/fuzz
	@BUILD=build-fuzz SECONDS_EACH=$(FUZZ_SECONDS) SEED=$(SEED) JOBS=$(JOBS) bash tests/faults/fuzz.sh $(FUZZ_READERS)
build-fuzz/fuzz: tests/faults/fuzz.c build-fuzz/libdae.a
	@echo "  CC $@"
	$(Q)$(CC) $(CPPFLAGS_ALL) $(CFLAGS_ALL) $(FUZZ_SAN) -fsanitize=fuzzer -o $@ $^ $(LIBS) $(LDFLAGS)

# The long form of tests/cli/faults.sh and of `make fuzz`.
MINUTES ?= 30
.PHONY: soak
soak: all ## fail calls, kill and stop at random, train for long and fuzz, for MINUTES (30) in all; SEED=N chooses which
	@BUILD=$(BUILD) python3 tests/faults/faults.py --seed $(SEED) --jobs $(JOBS) --minutes $$(($(MINUTES) / 3))
	@BUILD=$(BUILD) python3 tests/faults/kills.py --seed $(SEED) --jobs $(JOBS) --minutes $$(($(MINUTES) / 4))
	@BUILD=$(BUILD) python3 tests/faults/kills.py --stops --seed $(SEED) --jobs $(JOBS) --minutes $$(($(MINUTES) / 12))
	@BUILD=$(BUILD) python3 tests/faults/memory.py
	@$(MAKE) --no-print-directory fuzz FUZZ_SECONDS=$$((20 * $(MINUTES) * $(JOBS) / $(words $(FUZZ_READERS))))

.PHONY: kernels
kernels: $(BUILD)/tests/kernels/test_kernels ## compile each kernel file by itself on the default device, warnings as errors
	$<

# Linked with an OpenCL of its own (tests/gpu/played_gpu.c), before the loader.
$(BUILD)/tests/gpu/generated: tests/gpu/generated.c tests/gpu/played_gpu.c tests/gpu/played_gpu.h $(BUILD)/libdae.a
	@mkdir -p $(@D)
	@echo "  CC $@"
	$(Q)$(CC) -Itests $(CPPFLAGS_ALL) $(CFLAGS_ALL) -o $@ $(filter %.c %.a,$^) $(LIBS) $(LDFLAGS)

.PHONY: gpu-check
gpu-check: all $(BUILD)/tests/gpu/generated ## compile what configs/ generate for GPUs that are not here (TARGETS="sm_80 gfx1030")
	@NO_INSTALL=1 bash tools/packages.sh gpu
	@BUILD=$(BUILD) JOBS=$(JOBS) bash tests/gpu/check.sh $(TARGETS)

.PHONY: oclgrind
oclgrind: all tests ## run every kernel in the simulator oclgrind, which detects races and accesses outside of buffers
	BOTH=1 bash tests/oclgrind.sh $(BUILD)/tests/graph/test_conformance

.PHONY: mutations
mutations: all tests ## break kernels and host code line by line: the tests must catch each
	@BUILD=$(BUILD) MUTANT_CC='$(CC) $(CPPFLAGS_ALL) $(CFLAGS_ALL) -w' \
		MUTANT_PLUGIN='$(CC) -I$(BUILD)/include -I$(BUILD)/gen $(CFLAGS_ALL) -w' \
		MUTANT_LIBS='$(BUILD)/libdae.a $(LIBS) -lcmocka $(LDFLAGS)' bash tests/mutations.sh

# A platform that is not named in PLATFORMS is tested if it exists; see tests/platforms.py.
.PHONY: test-platforms tested-on
test-platforms: all tests ## test every OpenCL implementation here (PLATFORMS="pocl intel my.icd": these)
	@BUILD=$(BUILD) TESTED='$(TESTED)' python3 tests/platforms.py $(PLATFORMS)
tested-on: ## write the results of the last test-platforms to README.md
	python3 tools/tested_on.py $(BUILD)/platforms/summary.json README.md

.PHONY: layers
layers: ## check includes between floors, the home of each library, and the length of files
	@bash tools/layers.sh

.PHONY: format format-check
format: ## format all C files
	$(CLANG_FORMAT) -i $(C_FILES)
format-check: ## fail when a C file is not formatted
	@$(CLANG_FORMAT) --dry-run -Werror $(C_FILES)

.PHONY: tidy
tidy: $(BUILD)/gen/kernels_embedded.c $(ONNX_OBJECT:.o=.h) ## run clang-tidy on every file of src/
	$(CLANG_TIDY) --quiet $(LIB_SOURCES) $(CLI_SOURCES) -- -std=c11 $(CPPFLAGS_ALL)

# ---- Documents, from the tables that the program itself reads. --------------------------------------------------------

.PHONY: man docs abi
man: $(MAN_PAGES) ## write the manual pages, build/man/*.1
$(BUILD)/man/dae-cl.1: $(BUILD)/dae-cl
	@mkdir -p $(@D)
	$(Q)$< help --man > $@
$(BUILD)/man/dae-cl-%.1: $(BUILD)/dae-cl $(SHARED) $(wildcard tools/init/*.yaml)
	@mkdir -p $(@D)
	$(Q)$< help $* --man > $@

.PHONY: completion
completion: $(COMPLETIONS) ## write the completion of bash, fish and zsh, build/completion/*
$(BUILD)/completion/%: $(BUILD)/dae-cl $(SHARED) $(wildcard configs/*.yaml tools/init/*.yaml)
	@mkdir -p $(@D)
	$(Q)$< help --completion $* > $@

docs: all ## write the config reference, docs/config.md, and the table of image kinds in docs/images.md
	@mkdir -p docs
	$(BUILD)/dae-cl plugins --markdown > docs/config.md
	python3 tools/formats.py $(BUILD)/dae-cl docs/images.md

abi: $(BUILD)/libdae.so.1 ## record the binary interface of libdae.so.1, tests/lib/libdae.abi, after an addition
	bash tools/abi.sh $< > tests/lib/libdae.abi

.PHONY: pictures
pictures: all ## draw docs/images/corruptions.png from the real kernels
	@mkdir -p $(BUILD)/pictures
	$(CC) $(CPPFLAGS_ALL) $(CFLAGS_ALL) -o $(BUILD)/pictures/corruptions tools/pictures/corruptions.c $(BUILD)/libdae.a \
		$(LIBS) $(LDFLAGS)
	$(BUILD)/pictures/corruptions $(BUILD)/plugins $(BUILD)/pictures/corruptions
	cp $(BUILD)/pictures/corruptions.png docs/images

# ---- Measuring. --------------------------------------------------------------------------------------------------------

.PHONY: peers
peers: all ## compare speed with PyTorch, JAX and ONNX runtimes (installed into build/peers), refresh docs/performance.md
	bash tools/peers/setup.sh $(BUILD)/peers
	$(CC) $(CPPFLAGS_ALL) $(CFLAGS_ALL) -o $(BUILD)/peers/rates tools/peers/rates.c $(BUILD)/libdae.a $(LIBS) $(LDFLAGS)
	$(CC) $(CPPFLAGS_ALL) $(CFLAGS_ALL) -o $(BUILD)/latency tools/peers/latency.c $(BUILD)/libdae.a $(LIBS) $(LDFLAGS)
	$(BUILD)/peers/bin/python tools/peers/compare.py

.PHONY: finance
finance: $(BUILD)/libdae.a ## measure the linear rivals on panels of returns in $$DAE_CL_DATA/finance
	@mkdir -p $(BUILD)/finance
	$(Q)$(CC) $(CPPFLAGS_ALL) $(CFLAGS_ALL) -o $(BUILD)/finance/rivals tools/finance/rivals.c $< $(LIBS) $(LDFLAGS)
	$(BUILD)/finance/rivals "$${DAE_CL_DATA:-data}"

# ---- Installing. -------------------------------------------------------------------------------------------------------

# What the author of a plugin needs, in the places to which docs/plugins.md links.
PLUGIN_GUIDE := docs plugins kernels template

.PHONY: install
install: all ## install below PREFIX (/usr/local), or below DESTDIR for a package
	install -d $(addprefix $(DESTDIR),$(BIN_DIR) $(SO_DIR) $(LIB_DIR)/plugins $(SHARE_DIR)/configs/published $(SHARE_DIR)/init $(INCLUDE_DIR) $(PC_DIR) $(MAN_DIR) \
		$(BASH_DIR) $(FISH_DIR) $(ZSH_DIR))
	install -m 755 $(BUILD)/dae-cl $(DESTDIR)$(BIN_DIR)/dae-cl
	install -m 755 $(BUILD)/dae-probe $(DESTDIR)$(LIB_DIR)/dae-probe
	install -m 644 $(BUILD)/libdae.so.1 $(DESTDIR)$(SO_DIR)/libdae.so.1
	ln -sf libdae.so.1 $(DESTDIR)$(SO_DIR)/libdae.so
	install -m 644 $(PLUGINS) $(DESTDIR)$(LIB_DIR)/plugins
	$(if $(TRANSPORTS),install -d $(DESTDIR)$(LIB_DIR)/transports && install -m 644 $(TRANSPORTS) $(DESTDIR)$(LIB_DIR)/transports)
	install -m 644 $(PUBLIC_HEADERS:%=src/dae/%) $(DESTDIR)$(INCLUDE_DIR)
	install -m 644 tools/plugin.mk $(DESTDIR)$(SHARE_DIR)
	install -m 755 tools/embed.sh $(DESTDIR)$(SHARE_DIR)
	install -m 644 $(wildcard configs/*.yaml) $(DESTDIR)$(SHARE_DIR)/configs
	install -m 644 $(wildcard tools/init/*.yaml) $(DESTDIR)$(SHARE_DIR)/init
	install -m 644 $(wildcard configs/published/*.yaml) $(DESTDIR)$(SHARE_DIR)/configs/published
	install -d $(PLUGIN_GUIDE:%=$(DESTDIR)$(SHARE_DIR)/%)
	install -m 644 $(wildcard plugins/*.c) $(DESTDIR)$(SHARE_DIR)/plugins
	install -m 644 $(wildcard kernels/*.cl kernels/*.clh) $(DESTDIR)$(SHARE_DIR)/kernels
	install -m 644 $(BUILD)/share/template/* $(DESTDIR)$(SHARE_DIR)/template
	sed 's|(../src/dae/|(../../../include/dae/|' docs/plugins.md > $(DESTDIR)$(SHARE_DIR)/docs/plugins.md
	install -m 644 $(MAN_PAGES) $(DESTDIR)$(MAN_DIR)
	install -m 644 $(BUILD)/completion/bash $(DESTDIR)$(BASH_DIR)/dae-cl
	install -m 644 $(BUILD)/completion/fish $(DESTDIR)$(FISH_DIR)/dae-cl.fish
	install -m 644 $(BUILD)/completion/zsh $(DESTDIR)$(ZSH_DIR)/_dae-cl
	sed -e 's|@PREFIX@|$(PREFIX)|' -e 's|@VERSION@|$(VERSION)|' -e 's|@LIBDIR@|$(SO_DIR:$(PREFIX)/%=$${prefix}/%)|' tools/dae-cl.pc.in > $(DESTDIR)$(PC_DIR)/dae-cl.pc

.PHONY: uninstall
uninstall: ## remove what `make install` installed
	rm -f $(addprefix $(DESTDIR),$(BIN_DIR)/dae-cl $(MAN_PAGES:$(BUILD)/man/%=$(MAN_DIR)/%) $(PC_DIR)/dae-cl.pc \
		$(BASH_DIR)/dae-cl $(FISH_DIR)/dae-cl.fish $(ZSH_DIR)/_dae-cl)
	rm -f $(addprefix $(DESTDIR)$(LIB_DIR)/plugins/,$(notdir $(PLUGINS)))
	rm -f $(addprefix $(DESTDIR)$(SO_DIR)/,libdae.so libdae.so.1) $(DESTDIR)$(LIB_DIR)/dae-probe
	rm -f $(addprefix $(DESTDIR)$(LIB_DIR)/transports/,$(notdir $(TRANSPORTS)))
	rm -f $(addprefix $(DESTDIR)$(INCLUDE_DIR)/,$(PUBLIC_HEADERS))
	rm -f $(addprefix $(DESTDIR)$(SHARE_DIR)/,plugin.mk embed.sh $(wildcard configs/*.yaml configs/published/*.yaml) \
		$(patsubst tools/%,%,$(wildcard tools/init/*.yaml)))
	rm -rf $(PLUGIN_GUIDE:%=$(DESTDIR)$(SHARE_DIR)/%)
	-rmdir $(addprefix $(DESTDIR),$(LIB_DIR)/plugins $(if $(TRANSPORTS),$(LIB_DIR)/transports) $(LIB_DIR) $(SHARE_DIR)/configs/published $(SHARE_DIR)/configs $(SHARE_DIR)/init $(SHARE_DIR) $(INCLUDE_DIR)) 2>/dev/null

.PHONY: dist deb deb-test
dist: ## write the source archive of the last commit, build/dist/dae-cl-VERSION.tar.gz
	@bash tools/dist.sh $(VERSION) $(RELEASED) $(BUILD)/dist
deb: dist ## build the Debian packages of the last commit, in build/deb
	@NO_INSTALL=1 bash tools/packages.sh build deb
	@JOBS=$(JOBS) bash tools/deb.sh $(BUILD)/dist/dae-cl-$(VERSION).tar.gz $(BUILD)/deb
deb-test: ## install what `make deb` built into a bare Debian 12, and use it there (as root; debootstrap)
	bash tests/deb.sh $(BUILD)/deb

.PHONY: clean
clean: ## remove build and the builds for sanitizers and fuzzing
	rm -rf $(BUILD) build-asan build-tsan build-fuzz

.PHONY: help
help: ## this list
	@awk -F ':.*## ' '/^[a-z-]+( [a-z-]+)*:.*## / { printf "  make %-13s %s\n", $$1, $$2 }' Makefile

-include $(LIB_OBJECTS:.o=.d) $(CLI_OBJECTS:.o=.d) $(PROBE_OBJECTS:.o=.d) $(PLUGINS:.so=.d) $(TESTS:=.d)
