# dae-cl: denoising autoencoders on any OpenCL device.
#
#   make            builds build/dae-cl and its plugins
#   make run        installs what is missing, builds, trains configs/conv_mnist.yaml, names the report
#   make test       the whole test suite
#   make help       every target with one line
.DEFAULT_GOAL := all
SHELL := /bin/bash

BUILD  ?= build
PREFIX ?= /usr/local
CC     ?= cc
OPT    ?= -O2 -g
WARN   := -Wall -Wextra -Werror -Wshadow -Wstrict-prototypes -Wmissing-prototypes -Wpointer-arith -Wvla
CFLAGS_ALL := -std=c11 $(OPT) $(WARN) -fPIC -pthread -MMD -MP $(SAN) $(CFLAGS)
CPPFLAGS_ALL := -Isrc -I$(BUILD)/gen -D_POSIX_C_SOURCE=200809L -DCL_TARGET_OPENCL_VERSION=120 $(CPPFLAGS)
LIBS   := -lOpenCL -lclblast -lyaml -lpng -lz -lcjson -lmd -llapacke -lopenblas -ldl -lm

LIB_SOURCES  := $(filter-out src/cli/%,$(wildcard src/*/*.c))
CLI_SOURCES  := $(wildcard src/cli/*.c)
PLUGINS      := $(patsubst plugins/%.c,$(BUILD)/plugins/%.so,$(wildcard plugins/*.c))
HOST_KERNELS := $(filter-out $(patsubst plugins/%.c,kernels/%.cl,$(wildcard plugins/*.c)),$(wildcard kernels/*.cl kernels/*.clh))
LIB_OBJECTS  := $(LIB_SOURCES:%.c=$(BUILD)/%.o) $(BUILD)/gen/kernels_embedded.o
CLI_OBJECTS  := $(CLI_SOURCES:%.c=$(BUILD)/%.o)

.PHONY: all
all: $(BUILD)/dae-cl $(PLUGINS)

$(BUILD)/libdae.a: $(LIB_OBJECTS)
	@rm -f $@; ar rcs $@ $^

$(BUILD)/dae-cl: $(CLI_OBJECTS) $(BUILD)/libdae.a
	$(CC) $(SAN) -pthread -o $@ $^ $(LIBS) $(LDFLAGS)

$(BUILD)/%.o: %.c
	@mkdir -p $(@D)
	$(CC) $(CPPFLAGS_ALL) $(CFLAGS_ALL) -c -o $@ $<

# Kernel sources travel inside the binaries, as C strings.
$(BUILD)/gen/kernels_embedded.c: $(HOST_KERNELS) tools/embed.sh
	@mkdir -p $(@D)
	bash tools/embed.sh table $(HOST_KERNELS) > $@.tmp && mv $@.tmp $@
$(BUILD)/gen/kernels_embedded.o: $(BUILD)/gen/kernels_embedded.c
	$(CC) $(CPPFLAGS_ALL) $(CFLAGS_ALL) -c -o $@ $<
$(BUILD)/gen/%.cl.inc: kernels/%.cl tools/embed.sh
	@mkdir -p $(@D)
	bash tools/embed.sh string $< > $@.tmp && mv $@.tmp $@

# A plugin sees the public header and its own kernel, nothing else of the tree.
$(BUILD)/include/dae/%.h: src/dae/%.h
	@mkdir -p $(@D)
	cp $< $@
.SECONDEXPANSION:
$(BUILD)/plugins/%.so: plugins/%.c $$(addprefix $(BUILD)/gen/,$$(addsuffix .inc,$$(notdir $$(wildcard kernels/$$*.cl)))) \
		$(BUILD)/include/dae/plugin.h
	@mkdir -p $(@D)
	$(CC) -I$(BUILD)/include -I$(BUILD)/gen $(CFLAGS_ALL) -shared -o $@ $<

# Unit tests: tests/<floor>/test_*.c, each a cmocka program linked with the library.
TEST_SOURCES := $(wildcard tests/*/test_*.c)
TESTS := $(TEST_SOURCES:%.c=$(BUILD)/%)
$(BUILD)/tests/%: tests/%.c $(BUILD)/libdae.a
	@mkdir -p $(@D)
	$(CC) $(CPPFLAGS_ALL) $(CFLAGS_ALL) -o $@ $< $(BUILD)/libdae.a $(LIBS) -lcmocka $(LDFLAGS)

.PHONY: tests
tests: $(TESTS)

.PHONY: clean
clean:
	rm -rf $(BUILD)

-include $(shell find $(BUILD) -name '*.d' 2>/dev/null)
