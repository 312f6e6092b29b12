/* A network of another program, or one that dae-cl exported, from an ONNX file: the opposite of model/onnx_export.h. */
#ifndef MODEL_ONNX_IMPORT_H
#define MODEL_ONNX_IMPORT_H

#include "base/text.h"
#include "graph/registry.h"
#include "model/model_file.h"

enum { ONNX_IMPORT_FIRST_OPSET = 13, ONNX_IMPORT_LAST_OPSET = 23 };

struct onnx_import_options {
    const char *name; /* of the config */
    int64_t size[2];  /* height and width of the samples, for a graph that leaves them open; 0: not given */
};

/* Zero-initialise; the caller releases, whatever the outcome. */
struct onnx_import {
    struct model_file file; /* the config is complete but for the defaults of training */
    int opset;
    bool own;          /* the file is as dae-cl exported it: config, columns and parameters are those of the model */
    struct text notes; /* lines for the user, each ended by a newline */
};
void onnx_import_release(struct onnx_import *import);

/* Reads the file. Weights keep their values: halves and doubles become floats, and a note says so.
 *
 * A file as dae-cl export wrote it gives the model that was exported. Every other one gives a network without
 * corruptions, whose data the user must name; a layer is called like its constants, so that weights keep their names
 * where they are NAME.weight.
 *
 * DAE_CHECKPOINT for a file that is damaged, or has a node that no layer of dae-cl computes, which is named; DAE_CONFIG
 * for a size that is missing or does not fit, and at a line of the config of a file of dae-cl's; DAE_IO. */
MUST_USE enum dae_status onnx_import(const char *path, const struct registry *registry,
                                     const struct onnx_import_options *options, struct arena *arena,
                                     struct onnx_import *import, struct error *err);

#endif
