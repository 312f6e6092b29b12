# Builds dae-cl plugins outside its tree. A Makefile of two lines is enough:
#
#   PLUGINS = swish.so
#   include $(shell pkg-config --variable=plugin_mk dae-cl)
#
# swish.so comes from swish.c. A kernel file swish.cl beside it becomes swish.cl.inc, one C string, for
#   static const char kernel_source[] =
#   #include "swish.cl.inc"
#       ;
# `dae-cl run CONFIG --plugins DIR` loads the plugins of the folder DIR, which nobody else may be able to write.
DAE_SHARE := $(dir $(lastword $(MAKEFILE_LIST)))
DAE_INCLUDE ?= $(DAE_SHARE)../../include

.PHONY: plugins
plugins: $(PLUGINS)

.SECONDEXPANSION:
%.so: %.c $$(addsuffix .inc,$$(wildcard $$*.cl))
	$(CC) -std=c11 -O2 -g -Wall -Wextra -fPIC -I$(DAE_INCLUDE) -I. $(CPPFLAGS) $(CFLAGS) -shared -o $@ $< $(LDFLAGS)

%.cl.inc: %.cl
	bash $(DAE_SHARE)embed.sh string $< > $@
