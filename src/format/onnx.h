/* ONNX files (github.com/onnx/onnx, docs/IR.md): a graph of nodes on named values, as arrays. What the operators mean
 * is known elsewhere. Files are read and written by protobuf-c; a build without it refuses them and names the package.
 */
#ifndef FORMAT_ONNX_H
#define FORMAT_ONNX_H

#include <stdint.h>

#include "base/arena.h"
#include "base/cleanup.h"
#include "base/error.h"
#include "dae/plugin.h"

/* TensorProto.DataType */
enum onnx_type { ONNX_FLOAT = 1, ONNX_INT64 = 7, ONNX_FLOAT16 = 10 };

/* A constant, which ONNX calls an initialiser. */
struct onnx_tensor {
    int value; /* which value it is */
    enum onnx_type type;
    int rank; /* 0 is a single number */
    int64_t dim[DAE_ONNX_MAX_RANK];
    const void *data; /* row-major, little-endian */
};

struct onnx_node {
    const char *op, *name;
    int n_inputs, *input; /* values; DAE_ONNX_NONE is left out */
    int output;
    int n_attributes;
    struct dae_onnx_attribute *attribute;
};

/* What is known of a value: an input or output of the graph, or one within. All are floats. */
struct onnx_info {
    int value, rank;
    struct onnx_axis {
        int64_t len;
        const char *symbol; /* instead of len; NULL: there is none */
    } axis[DAE_ONNX_MAX_RANK];
};

struct onnx_meta {
    const char *key, *text;
};

/* Zero-initialise. The functions that add copy what they are given, but not texts, nor the data of tensors. */
struct onnx_model {
    struct arena arena;
    const char *name, *producer, *version; /* the graph's name, and the program that wrote it */
    int opset;
    int n_values, n_nodes, n_tensors, n_inputs, n_outputs, n_infos, n_meta;
    const char **value; /* names */
    struct onnx_node *node;
    struct onnx_tensor *tensor;
    struct onnx_info *input, *output, *info;
    struct onnx_meta *meta;
};

void onnx_release(struct onnx_model *model);

/* Adds a value; the number of its name, which is `name`, or name_2, name_3, ... if others have that. -1 when out of
 * memory. */
int onnx_add_value(struct onnx_model *model, const char *name);
/* False when out of memory. */
bool onnx_add_node(struct onnx_model *model, const struct onnx_node *node);
bool onnx_add_tensor(struct onnx_model *model, const struct onnx_tensor *tensor);
bool onnx_add_input(struct onnx_model *model, const struct onnx_info *info);
bool onnx_add_output(struct onnx_model *model, const struct onnx_info *info);
bool onnx_add_info(struct onnx_model *model, const struct onnx_info *info);
bool onnx_add_meta(struct onnx_model *model, const char *key, const char *text);

/* DAE_CONFIG, naming the packages, in a build that cannot read and write ONNX files. */
MUST_USE enum dae_status onnx_check_build(struct error *err);

/* Writes the file completely or not at all; equal models give equal bytes. DAE_IO; DAE_CONFIG above 2 GiB, which
 * protobuf does not store. */
MUST_USE enum dae_status onnx_save(const char *path, const struct onnx_model *model, struct error *err);

/* The IEEE half that is nearest to x, ties to even; an infinity for |x| of at least 65520. */
uint16_t onnx_half(float x);

#endif
