/* Seconds of the clock and of the processors. */
#ifndef BASE_CLOCK_H
#define BASE_CLOCK_H

#include <sys/types.h>

/* Seconds of a monotonic clock with an arbitrary start. */
double clock_seconds(void);

/* Seconds for which the threads of a process have computed; 0 if there is no such process. */
double clock_processor_seconds(pid_t process);

#endif
