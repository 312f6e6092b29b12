/* A trained network as an ONNX graph, for other programs. Layers say themselves how ONNX describes them (struct
 * dae_onnx); corruptions and the loss are left out. */
#ifndef MODEL_ONNX_EXPORT_H
#define MODEL_ONNX_EXPORT_H

#include "format/onnx.h"
#include "model/model_file.h"
#include "model/receptive_field.h"

enum { ONNX_EXPORT_FIRST_OPSET = 17, ONNX_EXPORT_LAST_OPSET = 20 };

struct onnx_export_options {
    int opset;
    /* The batch has any size, and images have any height and width if the network accepts them; else they are 1 and
     * those of the network. */
    bool dynamic;
    bool half; /* weights with two and more axes are stored as 16-bit floats, which nodes cast: all else is float */
};

/* Adds the graph of a model, whose network has this receptive field (receptive_field_find), to an empty one, which
 * points into the model's config and parameters.
 *
 * Inputs: "input" (N,C,H,W) or (N,K), where holes are 0, and, if layers read it, "mask" of the same shape, 1 where a
 * number is missing. Output: "output", of the input's shape, whatever the shape of the last layer. A weight is called
 * NODE.NAME, as in model files, and a layer's value has the layer's name. Metadata: config and columns as in model
 * files; range, if the data have one; multiple, of which height and width must be multiples.
 *
 * DAE_CONFIG at a layer that ONNX cannot describe; DAE_PLUGIN for a plugin that describes it wrongly. */
MUST_USE enum dae_status onnx_export(const struct model_file *file, const struct receptive_field *field,
                                     const struct onnx_export_options *options, struct onnx_model *model,
                                     struct error *err);

#endif
