package soak

import (
	"encoding/json"
	"fmt"
	"net/netip"
	"strings"

	"github.com/nft-operator/nft-operator/test/lab"
)

// kernel is what the gateway's nft tells of the operator's table.
type kernel struct {
	// table is the table's handle: another one is another table.
	table int
	// doors are the elements of services4 and services6.
	doors map[door]opened
	// counters are those with a name.
	counters map[string]count
}

// opened is an element of what is open.
type opened struct {
	comment string // namespace/name of the Service
	count
}

// count is of packets and bytes.
type count struct {
	Packets uint64 `json:"packets"`
	Bytes   uint64 `json:"bytes"`
}

const listTable = "nft -j list table inet nft_operator"

// readKernel asks the gateway. A table that is not there reads as an empty one.
func (w *world) readKernel() (kernel, error) {
	output, err := w.gateway.Exec(strings.Fields(listTable)...)
	if err != nil {
		if strings.Contains(output, "No such file or directory") {
			return kernel{}, nil
		}
		return kernel{}, err
	}
	return parseKernel([]byte(output))
}

// object is one entry of nft's list; one of its fields is set.
type object struct {
	Table *struct {
		Handle int `json:"handle"`
	} `json:"table"`
	Counter *struct {
		Name string `json:"name"`
		count
	} `json:"counter"`
	Set *elements `json:"set"`
	Map *elements `json:"map"`
}

type elements struct {
	Name string            `json:"name"`
	Elem []json.RawMessage `json:"elem"`
}

// parseKernel reads nft's JSON. What is open may be a set or a map.
func parseKernel(listing []byte) (kernel, error) {
	var list struct {
		Objects []object `json:"nftables"`
	}
	if err := json.Unmarshal(listing, &list); err != nil {
		return kernel{}, fmt.Errorf("%s: %w", listTable, err)
	}
	k := kernel{doors: map[door]opened{}, counters: map[string]count{}}
	for _, object := range list.Objects {
		switch {
		case object.Table != nil:
			k.table = object.Table.Handle
		case object.Counter != nil:
			k.counters[object.Counter.Name] = object.Counter.count
		case object.Set != nil, object.Map != nil:
			if err := k.readDoors(firstOf(object.Set, object.Map)); err != nil {
				return kernel{}, err
			}
		}
	}
	return k, nil
}

func firstOf(set, other *elements) *elements {
	if set != nil {
		return set
	}
	return other
}

func (k kernel) readDoors(list *elements) error {
	if list.Name != "services4" && list.Name != "services6" {
		return nil
	}
	for _, raw := range list.Elem {
		if len(raw) > 0 && raw[0] == '[' { // an element of a map comes with what it leads to
			var entry []json.RawMessage
			if err := json.Unmarshal(raw, &entry); err != nil {
				return err
			}
			raw = entry[0]
		}
		var element struct {
			Elem struct {
				Val struct {
					Concat []any `json:"concat"`
				} `json:"val"`
				Comment string `json:"comment"`
				Counter count  `json:"counter"`
			} `json:"elem"`
		}
		if err := json.Unmarshal(raw, &element); err != nil {
			return fmt.Errorf("an element of %s is %s: %w", list.Name, raw, err)
		}
		door, err := doorFrom(element.Elem.Val.Concat)
		if err != nil {
			return fmt.Errorf("an element of %s is %s: %w", list.Name, raw, err)
		}
		k.doors[door] = opened{element.Elem.Comment, element.Elem.Counter}
	}
	return nil
}

// protocolNames are what nft lists for a protocol: a name or, where the machine
// has no list of them, a number.
var protocolNames = map[string]lab.Protocol{
	"tcp": lab.TCP, "udp": lab.UDP, "sctp": lab.SCTP, "6": lab.TCP, "17": lab.UDP, "132": lab.SCTP,
}

// doorFrom reads address . protocol . port.
func doorFrom(concat []any) (door, error) {
	if len(concat) != 3 {
		return door{}, fmt.Errorf("it has %d parts", len(concat))
	}
	address, err := netip.ParseAddr(fmt.Sprint(concat[0]))
	if err != nil {
		return door{}, err
	}
	protocol, known := protocolNames[fmt.Sprint(concat[1])]
	number, isNumber := concat[2].(float64)
	if !known || !isNumber {
		return door{}, fmt.Errorf("protocol %v and port %v cannot be read", concat[1], concat[2])
	}
	return door{protocol, netip.AddrPortFrom(address, uint16(number))}, nil
}

// differsFrom says in what the open doors are not those intended; "" where they
// are.
func (k kernel) differsFrom(intended map[door]string) string {
	var differences []string
	for door, comment := range intended {
		if k.doors[door].comment != comment {
			differences = append(differences, fmt.Sprintf("%s of %s is not open (it is %q's)", door, comment, k.doors[door].comment))
		}
	}
	for door, opened := range k.doors {
		if _, wanted := intended[door]; !wanted {
			differences = append(differences, fmt.Sprintf("%s of %s is open", door, opened.comment))
		}
	}
	return strings.Join(differences, "; ")
}
