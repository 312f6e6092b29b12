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
enum onnx_type {
    ONNX_FLOAT = 1,
    ONNX_INT32 = 6,
    ONNX_INT64 = 7,
    ONNX_BOOL = 9,
    ONNX_FLOAT16 = 10,
    ONNX_DOUBLE = 11,
};

/* A constant, which ONNX calls an initialiser. */
struct onnx_tensor {
    int value; /* which value it is */
    enum onnx_type type;
    enum onnx_type stored; /* of a file that was read: its type there, before it became ONNX_FLOAT or ONNX_INT64 */
    int rank;              /* 0 is a single number */
    int64_t dim[DAE_ONNX_MAX_RANK];
    const void *data; /* row-major, little-endian */
};

/* The kind of an attribute that was read, if it is none of those of struct dae_onnx_attribute: a graph, a tensor. */
enum { ONNX_KIND_OTHER = DAE_ONNX_KIND_TEXT + 1 };

struct onnx_node {
    const char *op, *name;
    int n_inputs, *input; /* values; DAE_ONNX_NONE is left out */
    int output;           /* the first one; others are values of no node */
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

/* Reads a file's bytes; `name` stands for the path in messages. Nodes come after what they read, every value has one
 * origin, and tensors have as many numbers as their shapes say: halves and doubles are converted to floats, 32-bit
 * integers and truth values to 64-bit integers. A node "Constant" becomes a tensor. A node of another domain than
 * ONNX's own has the operator "DOMAIN.OPERATOR". Of outputs only the value is known, and infos are skipped. On success
 * the caller releases the model.
 *
 * DAE_CHECKPOINT, naming the node or tensor, for a file that is damaged, of another kind, or has data in other files.
 * DAE_CONFIG in a build without protobuf-c. Memory is at most ONNX_MEMORY_FACTOR times `len`, and a few MiB. */
enum { ONNX_MEMORY_FACTOR = 16 };
MUST_USE enum dae_status onnx_read(const char *name, const void *bytes, size_t len, struct onnx_model *model,
                                   struct error *err);
/* The same for a file, of less than 2 GiB. DAE_IO if it cannot be read. */
MUST_USE enum dae_status onnx_load(const char *path, struct onnx_model *model, struct error *err);

/* The tensor of a value, or NULL; the node's attribute of that name, or NULL. */
const struct onnx_tensor *onnx_find_tensor(const struct onnx_model *model, int value);
const struct dae_onnx_attribute *onnx_find_attribute(const struct onnx_node *node, const char *name);
/* The number of a tensor's elements. */
int64_t onnx_tensor_len(const struct onnx_tensor *tensor);

/* The IEEE half that is nearest to x, ties to even; an infinity for |x| of at least 65520. And the number of a half. */
uint16_t onnx_half(float x);
float onnx_from_half(uint16_t half);

#endif
