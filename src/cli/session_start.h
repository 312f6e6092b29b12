/* What the training of a session starts from instead of random numbers (train/start.h): a model that the config or the
 * command line names. */
#ifndef CLI_SESSION_START_H
#define CLI_SESSION_START_H

#include "cli/session.h"

/* --from and --freeze set the keys of the same names, in a config that is not read yet. */
MUST_USE enum dae_status session_start_options(struct session *session, struct value *config, struct error *err);
/* Reads the model into session->start, if the settings name one: with --resume, if the model is gone, what the run kept
 * in its folder. Writes its SHA-256 to the config; start.notes say what is taken. */
MUST_USE enum dae_status session_start_read(struct session *session, struct error *err);
/* Keeps it in the run's folder, which is open, unless that keeps no checkpoints. */
MUST_USE enum dae_status session_start_keep(struct session *session, struct error *err);

#endif
