#pragma once
#include <sqlite3.h>

// The destructor that tells SQLite to copy what it is given: a cast in a macro, which Swift does not import.
static inline sqlite3_destructor_type muhur_sqlite_transient(void) { return SQLITE_TRANSIENT; }

// Leaves out the count of all memory, and with it a lock around each piece of it. Before anything else is asked of SQLite;
// later it does nothing. A function of variable arguments, which Swift does not import.
static inline void muhur_sqlite_count_no_memory(void) { sqlite3_config(SQLITE_CONFIG_MEMSTATUS, 0); }
