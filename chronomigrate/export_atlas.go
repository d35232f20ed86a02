package chronomigrate

import (
	"crypto/sha256"
	"encoding/base64"
	"fmt"
	"regexp"
	"slices"
	"strings"
)

// atlasSumName is the file in which Atlas keeps the checksums of a directory.
const atlasSumName = "atlas.sum"

// atlasIgnored matches a file that asks to be left out of the checksums.
var atlasIgnored = regexp.MustCompile(`^[ -~]*atlas:sum +ignore *(?:[^ -~]|$)`)

// atlasSum returns the checksums of what is there and what is new. It refuses a
// directory whose checksums do not fit: they are there to be looked at.
func atlasSum(present presentFiles, files []File) (File, error) {
	var all []File
	before := ""
	for _, file := range present {
		if file.name == atlasSumName {
			before = file.content
			continue
		}
		all = append(all, File{Name: file.name, Content: file.content})
	}
	if before != "" && before != atlasSumOf(all) || before == "" && len(all) > 0 {
		return File{}, hint(fmt.Errorf("%w: the checksums in %s do not fit the files", ErrOption, atlasSumName), "Run atlas migrate hash, once the files are as they should be.")
	}
	for _, file := range files {
		if !file.Present {
			all = append(all, file)
		}
	}
	content := atlasSumOf(all)
	return File{Name: atlasSumName, Content: content, Present: content == before}, nil
}

// atlasSumOf is the file atlas.sum. The hash of a file is that of all files up
// to it, each with its name; the first line is the hash of names and hashes.
func atlasSumOf(files []File) string {
	files = slices.Clone(files)
	slices.SortFunc(files, func(a, b File) int { return strings.Compare(a.Name, b.Name) })
	running, total := sha256.New(), sha256.New()
	var lines strings.Builder
	for _, file := range files {
		running.Write([]byte(file.Name))
		if atlasIgnored.MatchString(file.Content) {
			continue
		}
		running.Write([]byte(file.Content))
		hash := base64.StdEncoding.EncodeToString(running.Sum(nil))
		total.Write([]byte(file.Name + hash))
		fmt.Fprintf(&lines, "%s h1:%s\n", file.Name, hash)
	}
	return "h1:" + base64.StdEncoding.EncodeToString(total.Sum(nil)) + "\n" + lines.String()
}
