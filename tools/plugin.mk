# Builds dae-cl plugins outside its tree. A Makefile of one line is enough:
#
#   include $(shell pkg-config --variable=plugin_mk dae-cl)
#
#   make          each x.c of the folder becomes x.so; PLUGINS = a.so b.so builds only those
#   make verify   checks them with each *.yaml of the folder, a config, on both shapes of device; CASES = a.yaml: only that
#
# A kernel file x.cl beside x.c becomes x.cl.inc, one C string, for
#   static const char kernel_source[] =
#   #include "x.cl.inc"
#       ;
# docs/plugins.md, beside this file, is the guide.
DAE_SHARE := $(dir $(lastword $(MAKEFILE_LIST)))
DAE_INCLUDE ?= $(DAE_SHARE)../../include
DAE_CL ?= $(DAE_SHARE)../../bin/dae-cl
PLUGINS ?= $(patsubst %.c,%.so,$(wildcard *.c))
CASES ?= $(wildcard *.yaml)

.PHONY: plugins verify
plugins: $(PLUGINS)

verify: plugins
	@test -n "$(CASES)" || { echo "make verify: no *.yaml names a network to verify" >&2; exit 1; }
	@set -e; for case in $(CASES); do for shape in wide grid; do echo "$$case, $$shape:"; \
	    $(DAE_CL) verify $$case --plugins . --set device.shape=$$shape; done; done

.SECONDEXPANSION:
%.so: %.c $(DAE_INCLUDE)/dae/plugin.h $$(addsuffix .inc,$$(wildcard $$*.cl))
	$(CC) -std=c11 -O2 -g -Wall -Wextra -Werror=implicit-function-declaration -fPIC -I$(DAE_INCLUDE) -I. $(CPPFLAGS) \
	    $(CFLAGS) -shared -o $@ $< $(LDFLAGS)

%.cl.inc: %.cl
	bash $(DAE_SHARE)embed.sh string $< > $@
