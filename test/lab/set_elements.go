package lab

import (
	"errors"
	"fmt"

	"github.com/vishvananda/netlink/nl"
	"golang.org/x/sys/unix"
)

// attributeKind masks off the flags that the kernel puts on an attribute's kind.
const attributeKind = ^uint16(unix.NLA_F_NESTED | unix.NLA_F_NET_BYTEORDER)

// readAttempts at a set that changes while it is read.
const readAttempts = 5

// SetElements lists the keys of a set of the inet family. It asks the kernel
// itself: nft takes ten times as long to print what a scan has found.
func (n *Namespace) SetElements(table, set string) (keys [][]byte, err error) {
	for range readAttempts {
		keys = nil
		err = n.Do(func() error {
			return askForElements(table, set, func(key []byte) { keys = append(keys, key) })
		})
		if !errors.Is(err, nl.ErrDumpInterrupted) {
			break
		}
	}
	if err != nil {
		return nil, fmt.Errorf("read set %s of table %s in namespace %s: %w", set, table, n.Name, err)
	}
	return keys, nil
}

func askForElements(table, set string, each func(key []byte)) error {
	request := nl.NewNetlinkRequest(unix.NFNL_SUBSYS_NFTABLES<<8|unix.NFT_MSG_GETSETELEM, unix.NLM_F_DUMP)
	request.AddData(&nl.Nfgenmsg{NfgenFamily: unix.NFPROTO_INET, Version: nl.NFNETLINK_V0})
	request.AddData(nl.NewRtAttr(unix.NFTA_SET_ELEM_LIST_TABLE, nl.ZeroTerminated(table)))
	request.AddData(nl.NewRtAttr(unix.NFTA_SET_ELEM_LIST_SET, nl.ZeroTerminated(set)))
	var malformed error
	err := request.ExecuteIter(unix.NETLINK_NETFILTER, 0, func(message []byte) bool {
		malformed = eachElement(message[nl.SizeofNfgenmsg:], each)
		return malformed == nil
	})
	return errors.Join(err, malformed)
}

// eachElement finds, in a message, list > element > key > value.
func eachElement(message []byte, each func(key []byte)) error {
	return eachAttribute(message, unix.NFTA_SET_ELEM_LIST_ELEMENTS, func(list []byte) error {
		return eachAttribute(list, unix.NFTA_LIST_ELEM, func(element []byte) error {
			return eachAttribute(element, unix.NFTA_SET_ELEM_KEY, func(key []byte) error {
				return eachAttribute(key, unix.NFTA_DATA_VALUE, func(value []byte) error {
					each(value)
					return nil
				})
			})
		})
	})
}

func eachAttribute(message []byte, kind uint16, f func([]byte) error) error {
	attributes, err := nl.ParseRouteAttr(message)
	if err != nil {
		return err
	}
	for _, attribute := range attributes {
		if attribute.Attr.Type&attributeKind != kind {
			continue
		}
		if err := f(attribute.Value); err != nil {
			return err
		}
	}
	return nil
}
