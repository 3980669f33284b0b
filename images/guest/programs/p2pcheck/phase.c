// SPDX-License-Identifier: GPL-2.0-only
/*
 * The two phases of a case.
 */
#include <errno.h>
#include <inttypes.h>
#include <string.h>
#include <unistd.h>

#include "options.h"
#include "peer.h"
#include "phase.h"
#include "report.h"
#include "signals.h"
#include "suite.h"
#include "volume.h"

/*
 * The kernel has no route between the two devices, or no support for one. Any
 * other error is a transfer that was tried and went wrong.
 */
static bool is_refusal(int error)
{
	return error == EINVAL || error == EREMOTEIO || error == EOPNOTSUPP;
}

bool phase_begin(struct test *test, struct phase_result *result,
		 enum phase phase)
{
	result->phase = phase;
	result->error = 0;
	result->bytes = 0;
	result->ns = 0;
	result->transfers = 0;
	result->mismatch = (struct mismatch){ .bad = false };
	if (stop_signal)
		return false;
	if (volume_mark(test->volume, test->n, phase, false))
		return true;
	test_fail(test, "%s: cannot mark the phase's start on %s: %s",
		  phase_name(phase), test->volume->device, strerror(errno));
	return false;
}

bool phase_end(struct test *test, const struct phase_result *result)
{
	if (volume_mark(test->volume, test->n, result->phase, true))
		return true;
	test_fail(test, "%s: cannot mark the phase's end on %s: %s",
		  phase_name(result->phase), test->volume->device,
		  strerror(errno));
	return false;
}

static void report_phase(unsigned int n, const struct phase_result *result)
{
	unsigned int i, j;

	report_add("# xbar {\"t\":\"phase\",\"n\":%u,\"phase\":\"%s\"", n,
		   phase_name(result->phase));
	report_add(",\"errno\":%d,\"bytes\":%" PRIu64 ",\"ns\":%" PRIu64,
		   result->error, result->bytes, result->ns);
	report_add(",\"claim\":\"%s\",\"transfers\":[",
		   result->phase == PHASE_DIRECT ? "peer" : "memory");
	for (i = 0; i < result->transfers; i++) {
		const struct phase_transfer *t = &result->transfer[i];

		report_add("%s{\"dir\":\"%s\",\"nsid\":%u,\"extents\":[",
			   i ? "," : "", t->write ? "write" : "read", t->nsid);
		for (j = 0; j < t->extents.count; j++)
			report_add("%s[%" PRIu64 ",%" PRIu64 "]", j ? "," : "",
				   t->extents.extent[j].disk_off,
				   t->extents.extent[j].len);
		report_add("]}");
	}
	report_add("],");
	report_mismatch(&result->mismatch);
	report_add("}");
	report_end();
}

void phase_finish(struct test *test, const struct phase_result *result)
{
	const char *name = phase_name(result->phase);

	report_phase(test->n, result);
	if (result->error &&
	    (result->phase == PHASE_FALLBACK || !is_refusal(result->error)))
		test_fail(test, "%s: %s", name, strerror(result->error));
	test->corrupts |= result->phase == PHASE_DIRECT && !result->error &&
			  result->mismatch.bad;
	if (result->mismatch.bad)
		test_fail(test, "%s: file offset %" PRIu64 " is not what it must be (%s)",
			  name, result->mismatch.at, result->mismatch.expected);
}

bool phase_move(struct test *test, struct phase_result *result,
		struct file *file, bool write, uint8_t *memory, uint64_t off,
		size_t len)
{
	bool direct = result->phase == PHASE_DIRECT;
	struct transfer transfer = {
		.fd = direct ? file->direct : file->cached,
		.bounce = !direct,
		.write = write,
		.memory = memory,
		.len = len,
		.off = off,
		.threads = test->recipe->threads ? test->recipe->threads : 1,
		.block = file->volume->block,
	};

	if (direct && test->options->sabotage == SABOTAGE_FALLBACK_AS_DIRECT)
		transfer.fd = file->cached;
	transfer_run(&transfer);
	result->ns += transfer.ns;
	if (transfer.error) {
		result->error = transfer.error;
		result->bytes = 0;
		/* A refusal moves nothing, by the kernel's word; verified later. */
		if (write && !is_refusal(transfer.error))
			file->unsure = true;
		return false;
	}
	if (!write) {
		struct content want = content_slice(&file->content, off, len);

		if (transfer.done < want.len)
			mismatch_short(&result->mismatch, off + transfer.done,
				       want.len - transfer.done);
		result->bytes += transfer.done;
	} else if (transfer.done < len) {
		mismatch_short(&result->mismatch, off + transfer.done,
			       len - transfer.done);
		file->unsure = true;
	} else if (test->recipe->op == OP_WRITE) {
		/* A copy's bytes have been counted when they were read. */
		result->bytes += transfer.done;
	}
	return true;
}

bool phase_sync(struct phase_result *result, struct file *file)
{
	uint64_t start = now_ns();

	if (fsync(file->cached)) {
		result->error = errno;
		result->bytes = 0;
		file->unsure = true;
		return false;
	}
	result->ns += now_ns() - start;
	return true;
}

bool phase_note_extents(struct test *test, struct phase_result *result,
			struct file *file, bool write, uint64_t off,
			uint64_t len)
{
	struct phase_transfer *transfer = &result->transfer[result->transfers];

	transfer->write = write;
	transfer->nsid = file->volume->nsid;
	if (!file_written_extents(file, off, len, &transfer->extents)) {
		test_fail(test, "cannot map %s of volume %s to disk blocks: %s",
			  file->path, file->volume->id, strerror(errno));
		return false;
	}
	result->transfers++;
	return true;
}

bool phase_inspect(struct test *test, const struct phase_result *result,
		   const uint8_t *memory, const struct content *content)
{
	bool host = test->options->common.host;
	const struct peer *peer = test->peer;

	if (!peer->inspect)
		return true;
	if (report_inspect(host, test->n, phase_name(result->phase), peer->id,
			   peer->bar_offset + (uint64_t)(memory - peer->memory),
			   content))
		return true;
	if (stop_signal)
		test_fail(test, "%s: interrupted", phase_name(result->phase));
	else
		test_fail(test, "%s: no `go` came from the host, which has %d s for it",
			  phase_name(result->phase), HOST_SECONDS);
	return false;
}
