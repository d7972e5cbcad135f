package organizations

import (
	"context"
	"fmt"

	"claviger/internal/ground/store"
	"claviger/internal/kernel/authz"
)

// storedTypes are the types of control policies in the words of package lint, in
// the order of controls.
var storedTypes = [len(controls)]string{"scp", "rcp"}

// EachStored calls each with every policy of every organization, for the operator.
func (s *Service) EachStored(ctx context.Context, r store.Reader, each func(*authz.Stored) error) error {
	const batch = 200
	var after store.Key
	for {
		var page []*controlPolicy
		err := policies.Scan(ctx, r, "", nil, after, batch, func(p *controlPolicy, _ store.Rev) error {
			page = append(page, p)
			return nil
		})
		if err != nil {
			return fmt.Errorf("listing policies of organizations: %w", err)
		}
		for _, p := range page {
			d := &authz.Stored{Type: storedTypes[p.Type], About: p.Organization + "/" + p.ID, Name: p.Name, Text: p.Content, Texts: []string{p.Name, p.Description}}
			for _, t := range p.Tags {
				d.Texts = append(d.Texts, t.Key+"="+t.Value)
			}
			if err := each(d); err != nil {
				return err
			}
		}
		if len(page) < batch {
			return nil
		}
		after = idKey(page[len(page)-1].ID)
	}
}
