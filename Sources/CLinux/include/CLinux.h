#pragma once
// What Swift's Glibc module lacks, as small functions of ours. <sys/socket.h> is not included here: under _GNU_SOURCE its
// address arguments would import as a transparent union.
#include "arguments.h"
#include "channel.h"
#include "clock.h"
#include "file.h"
#include "find.h"
#include "listen.h"
#include "poll.h"
#include "receive.h"
#include "send.h"
#include "thread.h"
