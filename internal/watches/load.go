package watches

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"

	"gopkg.in/yaml.v3"
	"k8s.io/apimachinery/pkg/runtime/schema"
)

// Load reads a watches.yaml. Where the error is not about reading the file, it
// joins a *Problem for everything that is wrong.
func Load(path string) ([]Watch, error) {
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("watches cannot be read: %w", err)
	}
	folder, err := filepath.Abs(filepath.Dir(path))
	if err != nil {
		return nil, fmt.Errorf("the folder of %s: %w", path, err)
	}
	document, err := readDocument(path, text)
	if err != nil {
		return nil, err
	}
	found := &problems{file: path}
	watches := readList(document, folder, found)
	if err := found.err(); err != nil {
		return nil, err
	}
	return watches, nil
}

// readDocument returns the one YAML document of the file.
func readDocument(path string, text []byte) (*yaml.Node, error) {
	decoder := yaml.NewDecoder(bytes.NewReader(text))
	var document, second yaml.Node
	err := decoder.Decode(&document)
	if errors.Is(err, io.EOF) {
		return nil, &Problem{File: path, Line: 1, Advice: "the file is empty; write a list of watches, each with version, group, kind and playbook"}
	}
	if err != nil {
		return nil, fmt.Errorf("%s is not YAML: %w", path, err)
	}
	err = decoder.Decode(&second)
	if err == nil {
		return nil, &Problem{File: path, Line: second.Line, Advice: "a second YAML document is not read; write all watches in one list"}
	}
	if !errors.Is(err, io.EOF) {
		return nil, fmt.Errorf("%s is not YAML: %w", path, err)
	}
	return document.Content[0], nil
}

func readList(list *yaml.Node, folder string, found *problems) []Watch {
	if list.Kind != yaml.SequenceNode || len(list.Content) == 0 {
		found.add(list.Line, "", "the file must be a list of watches, each with version, group, kind and playbook")
		return nil
	}
	var watches []Watch
	firstLine := map[schema.GroupVersionKind]int{}
	for _, item := range list.Content {
		watch, ok := readWatch(item, folder, found)
		if !ok {
			continue
		}
		kind := watch.GroupVersionKind
		if line, twice := firstLine[kind]; twice {
			found.add(item.Line, "kind", "%s is watched already since line %d; remove one of the two", kind.Kind, line)
			continue
		}
		firstLine[kind] = item.Line
		watches = append(watches, watch)
	}
	return watches
}
