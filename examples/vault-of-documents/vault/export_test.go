package vault

// A Shelf is a shelf, for tests of what a crash leaves.
type Shelf struct{ *shelf }

// OpenShelf opens the shelf of a directory.
func OpenShelf(dir string) (Shelf, error) {
	s, err := openShelf(dir)
	return Shelf{s}, err
}

// Close lets go of the directory.
func (s Shelf) Close() error { return s.root.Close() }

// Put writes a vault of an account and a document of it.
func (s Shelf) Put(account, name, document, text string) error {
	v := newVault("eu-west-1", account, name, "arn:aws:kms:eu-west-1:"+account+":key/k")
	if err := s.put(v); err != nil {
		return err
	}
	return s.putDocument(v, document, []byte(text))
}

// Document reads a document.
func (s Shelf) Document(account, name, document string) (string, error) {
	v, err := s.vault(account, name)
	if err != nil {
		return "", err
	}
	text, err := s.document(v, document)
	return string(text), err
}

// Remove removes a vault.
func (s Shelf) Remove(account, name string) error {
	v, err := s.vault(account, name)
	if err != nil {
		return err
	}
	return s.remove(v)
}

// The names that the service accepts.
var (
	VaultName    = vaultName.MatchString
	DocumentName = documentName.MatchString
)
