/* Status codes of dae-cl: what a function returns, and what the program exits with. */
#ifndef DAE_STATUS_H
#define DAE_STATUS_H

/* name, exit code, what it means to a user. The one list: enum, texts and the manual come from it. */
#define DAE_STATUSES(X)                                                                                                \
    X(DAE_OK, 0, "success")                                                                                            \
    X(DAE_BUG, 1, "internal error, a bug in dae-cl")                                                                   \
    X(DAE_CONFIG, 2, "wrong usage, or an error in the config")                                                         \
    X(DAE_NO_DEVICE, 3, "no usable OpenCL device")                                                                     \
    X(DAE_BAD_DATA, 4, "a data file is damaged or does not fit")                                                       \
    X(DAE_IO, 5, "a file could not be read or written")                                                                \
    X(DAE_NO_MEMORY, 6, "out of memory on the host or device")                                                         \
    X(DAE_OPENCL, 7, "an OpenCL build or run failed")                                                                  \
    X(DAE_DIVERGED, 8, "training diverged (NaN or infinity)")                                                          \
    X(DAE_CHECKPOINT, 9, "a checkpoint or model file is unusable")                                                     \
    X(DAE_PLUGIN, 10, "a plugin could not be used")                                                                    \
    X(DAE_RANK, 11, "another process of the same training failed or was lost")                                         \
    X(DAE_HANGUP, 129, "stopped by SIGHUP (a closed terminal) after a checkpoint")                                     \
    X(DAE_INTERRUPTED, 130, "stopped by Ctrl-C (SIGINT)")                                                              \
    X(DAE_USER1, 138, "stopped by SIGUSR1 (a scheduler's warning) after a checkpoint")                                 \
    X(DAE_USER2, 140, "stopped by SIGUSR2 after a checkpoint")                                                         \
    X(DAE_TERMINATED, 143, "stopped by SIGTERM after a checkpoint")

enum dae_status {
#define DAE_STATUS_ROW(name, code, text) name = (code),
    DAE_STATUSES(DAE_STATUS_ROW)
#undef DAE_STATUS_ROW
};

#endif
