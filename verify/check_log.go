// Checks a log directory with golang.org/x/mod/sumdb, which shares no code with Annulus:
//
//	GO111MODULE=off GOPATH=/usr/share/gocode go run check_log.go LOG_DIRECTORY [ENTRY PROOF]
//
// Debian: golang-go golang-golang-x-mod-dev. It opens the checkpoint by the policy file, makes the tree again from the entries,
// checks that every earlier tree is a beginning of it and that every entry is in it. With ENTRY and PROOF it checks a .tlog-proof.
package main

import (
	"bufio"
	"crypto/ed25519"
	"encoding/base64"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"
)

func must(err error) {
	if err != nil {
		fmt.Fprintln(os.Stderr, "WRONG", err)
		os.Exit(1)
	}
}

func demand(holds bool, what string) {
	if !holds {
		must(fmt.Errorf("%s", what))
	}
}

// A cosignature/v1: eight bytes of seconds, then Ed25519 over a header with that time and the note's text.
type cosigner struct {
	name string
	hash uint32
	key  ed25519.PublicKey
}

func (c cosigner) Name() string    { return c.name }
func (c cosigner) KeyHash() uint32 { return c.hash }
func (c cosigner) Verify(msg, sig []byte) bool {
	if len(sig) != 8+ed25519.SignatureSize {
		return false
	}
	head := fmt.Sprintf("cosignature/v1\ntime %d\n", binary.BigEndian.Uint64(sig))
	return ed25519.Verify(c.key, append([]byte(head), msg...), sig[8:])
}

func verifierOf(vkey string) note.Verifier {
	parts := strings.SplitN(vkey, "+", 3)
	demand(len(parts) == 3, "a verifier key has three parts")
	key, err := base64.StdEncoding.DecodeString(parts[2])
	must(err)
	demand(len(key) == 33, "a verifier key has 33 bytes")
	if key[0] == 1 {
		verifier, err := note.NewVerifier(vkey)
		must(err)
		return verifier
	}
	demand(key[0] == 4, "a verifier key is of a log or of a witness")
	hash, err := strconv.ParseUint(parts[1], 16, 32)
	must(err)
	return cosigner{parts[0], uint32(hash), key[1:]}
}

type policy struct {
	verifiers []note.Verifier
	logHashes map[uint32]bool
	quorum    int
}

func readPolicy(file string) policy {
	data, err := os.Open(file)
	must(err)
	defer data.Close()
	p := policy{logHashes: map[uint32]bool{}}
	lines := bufio.NewScanner(data)
	for lines.Scan() {
		words := strings.Fields(lines.Text())
		switch {
		case len(words) == 2 && words[0] == "log":
			verifier := verifierOf(words[1])
			p.verifiers = append(p.verifiers, verifier)
			p.logHashes[verifier.KeyHash()] = true
		case len(words) == 3 && words[0] == "witness":
			p.verifiers = append(p.verifiers, verifierOf(words[2]))
		case len(words) > 3 && words[0] == "group":
			p.quorum, err = strconv.Atoi(words[2])
			must(err)
		}
	}
	return p
}

// The tree that a checkpoint names, once the log and a quorum have signed it.
func open(signed []byte, p policy) tlog.Tree {
	opened, err := note.Open(signed, note.VerifierList(p.verifiers...))
	must(err)
	logs, witnesses := 0, map[string]bool{}
	for _, sig := range opened.Sigs {
		if p.logHashes[sig.Hash] {
			logs++
		} else {
			witnesses[sig.Name] = true
		}
	}
	demand(logs > 0, "no log key has signed the checkpoint")
	demand(len(witnesses) >= p.quorum, "fewer cosignatures than the quorum")
	lines := strings.Split(opened.Text, "\n")
	demand(len(lines) == 4, "a checkpoint has three lines")
	size, err := strconv.ParseInt(lines[1], 10, 64)
	must(err)
	hash, err := tlog.ParseHash(lines[2])
	must(err)
	return tlog.Tree{N: size, Hash: hash}
}

func readEntries(folder string, size int64) [][]byte {
	entries := [][]byte{}
	for bundle := int64(0); bundle*256 < size; bundle++ {
		width := size - bundle*256
		name := fmt.Sprintf("%03d", bundle%1000)
		for n := bundle / 1000; n > 0; n /= 1000 {
			name = fmt.Sprintf("x%03d/%s", n%1000, name)
		}
		if width < 256 {
			name += fmt.Sprintf(".p/%d", width)
		}
		data, err := os.ReadFile(filepath.Join(folder, "tile/entries", name))
		must(err)
		for len(data) > 0 {
			demand(len(data) >= 2, "a bundle ends in the middle of a length")
			length := int(binary.BigEndian.Uint16(data))
			demand(len(data) >= 2+length, "a bundle ends in the middle of an entry")
			entries = append(entries, data[2:2+length])
			data = data[2+length:]
		}
	}
	demand(int64(len(entries)) == size, "another number of entries than the checkpoint says")
	return entries
}

func checkLog(folder string, p policy) {
	signed, err := os.ReadFile(filepath.Join(folder, "checkpoint"))
	must(err)
	tree := open(signed, p)
	entries := readEntries(folder, tree.N)
	stored := []tlog.Hash{}
	reader := tlog.HashReaderFunc(func(indexes []int64) ([]tlog.Hash, error) {
		hashes := make([]tlog.Hash, len(indexes))
		for i, index := range indexes {
			hashes[i] = stored[index]
		}
		return hashes, nil
	})
	for index, entry := range entries {
		hashes, err := tlog.StoredHashes(int64(index), entry, reader)
		must(err)
		stored = append(stored, hashes...)
	}
	hash, err := tlog.TreeHash(tree.N, reader)
	must(err)
	demand(hash == tree.Hash, "the entries have another root than the checkpoint")
	checked := 0
	for height := 1; ; height++ {
		data, err := os.ReadFile(filepath.Join(folder, fmt.Sprintf("decisions/%d.json", height)))
		if os.IsNotExist(err) {
			break
		}
		must(err)
		var decision struct {
			Body struct {
				Log struct {
					Size int64
					Root string
				}
			}
		}
		must(json.Unmarshal(data, &decision))
		size := decision.Body.Log.Size
		if size > tree.N {
			break
		}
		old, err := tlog.TreeHash(size, reader)
		must(err)
		demand(fmt.Sprintf("%x", old[:]) == decision.Body.Log.Root, "a block names another root")
		proof, err := tlog.ProveTree(tree.N, size, reader)
		must(err)
		must(tlog.CheckTree(proof, tree.N, tree.Hash, size, old))
		checked++
	}
	for index, entry := range entries {
		proof, err := tlog.ProveRecord(tree.N, int64(index), reader)
		must(err)
		must(tlog.CheckRecord(proof, tree.N, tree.Hash, int64(index), tlog.RecordHash(entry)))
	}
	fmt.Printf("size %d\nroot %x\n%d earlier trees are beginnings of it\n", tree.N, tree.Hash[:], checked)
}

func checkProof(entryFile, proofFile string, p policy) {
	entry, err := os.ReadFile(entryFile)
	must(err)
	data, err := os.ReadFile(proofFile)
	must(err)
	parts := strings.SplitN(string(data), "\n\n", 2)
	demand(len(parts) == 2, "a proof has an empty line")
	lines := strings.Split(parts[0], "\n")
	demand(len(lines) >= 2 && lines[0] == "c2sp.org/tlog-proof@v1", "a proof begins with its format")
	index, err := strconv.ParseInt(strings.TrimPrefix(lines[1], "index "), 10, 64)
	must(err)
	proof := tlog.RecordProof{}
	for _, line := range lines[2:] {
		hash, err := tlog.ParseHash(line)
		must(err)
		proof = append(proof, hash)
	}
	tree := open([]byte(parts[1]), p)
	must(tlog.CheckRecord(proof, tree.N, tree.Hash, index, tlog.RecordHash(entry)))
	fmt.Printf("entry %d is in the tree\n", index)
}

func main() {
	demand(len(os.Args) == 2 || len(os.Args) == 4, "expected LOG_DIRECTORY [ENTRY PROOF]")
	folder := os.Args[1]
	p := readPolicy(filepath.Join(folder, "policy"))
	checkLog(folder, p)
	if len(os.Args) == 4 {
		checkProof(os.Args[2], os.Args[3], p)
	}
}
