package pipeline

import "context"

const ChangesMax = changesMax

// AwaitRecord waits for the record of a commit, as whoever made it does.
func (p *Pipeline) AwaitRecord(ctx context.Context, position uint64) error {
	return p.awaitRecord(ctx, position)
}
