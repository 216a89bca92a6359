package lab

import (
	"encoding/binary"
	"hash/crc32"
	"net"
	"net/netip"

	"golang.org/x/sys/unix"
)

// frame is an Ethernet frame with a packet that opens something: a TCP SYN, an
// empty UDP datagram or an SCTP INIT. Its destination port can be changed in
// place, so that a scan costs little more than sending.
type frame struct {
	bytes     []byte
	transport []byte // part of bytes, from the ports on
	checksum  []byte // part of transport
	sum       uint32 // of what the checksum covers, with ports and checksum 0
	protocol  Protocol
}

const (
	ethernetLength = 14
	timeToLive     = 64
	// synFlags is a header of five words and the flag SYN.
	synFlags = 5<<12 | 0x02
	window   = 65535
)

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// newFrame makes a frame from one interface to another, for a packet between
// two addresses of one family.
func newFrame(ends [2]net.HardwareAddr, protocol Protocol, from netip.AddrPort, to netip.Addr) *frame {
	transport, checksumAt := transportHeader(protocol)
	binary.BigEndian.PutUint16(transport, from.Port())
	header := networkHeader(protocol, from.Addr(), to, len(transport))
	f := &frame{protocol: protocol}
	f.bytes = append(f.bytes, ends[1]...)
	f.bytes = append(f.bytes, ends[0]...)
	f.bytes = binary.BigEndian.AppendUint16(f.bytes, map[bool]uint16{true: unix.ETH_P_IP, false: unix.ETH_P_IPV6}[to.Is4()])
	f.bytes = append(append(f.bytes, header...), transport...)
	f.transport = f.bytes[len(f.bytes)-len(transport):]
	f.checksum = f.transport[checksumAt:]
	// The pseudo header, and the packet itself.
	f.sum = sum(from.Addr().AsSlice()) + sum(to.AsSlice()) + uint32(protocolNumbers[protocol]) + uint32(len(transport)) + sum(transport)
	return f
}

// setPort makes the frame go to a port.
func (f *frame) setPort(port uint16) {
	binary.BigEndian.PutUint16(f.transport[2:], port)
	if f.protocol == SCTP {
		binary.LittleEndian.PutUint32(f.checksum, 0)
		binary.LittleEndian.PutUint32(f.checksum, crc32.Checksum(f.transport, castagnoli))
		return
	}
	value := ^fold(f.sum + uint32(port))
	if value == 0 && f.protocol == UDP {
		value = 0xffff // 0 means "none" in UDP
	}
	binary.BigEndian.PutUint16(f.checksum, value)
}

// transportHeader makes a header without ports and says where its checksum is.
func transportHeader(protocol Protocol) (header []byte, checksumAt int) {
	switch protocol {
	case TCP:
		header = make([]byte, 20)
		binary.BigEndian.PutUint32(header[4:], 1) // sequence number
		binary.BigEndian.PutUint16(header[12:], synFlags)
		binary.BigEndian.PutUint16(header[14:], window)
		return header, 16
	case UDP:
		header = make([]byte, 8)
		binary.BigEndian.PutUint16(header[4:], 8) // length
		return header, 6
	default:
		// A common header and one INIT chunk: type 1, length 20, tag, window,
		// streams out and in, first number.
		header = make([]byte, 12+20)
		chunk := header[12:]
		chunk[0] = 1
		binary.BigEndian.PutUint16(chunk[2:], 20)
		binary.BigEndian.PutUint32(chunk[4:], 1)
		binary.BigEndian.PutUint32(chunk[8:], window)
		binary.BigEndian.PutUint16(chunk[12:], 1)
		binary.BigEndian.PutUint16(chunk[14:], 1)
		binary.BigEndian.PutUint32(chunk[16:], 1)
		return header, 8
	}
}

func networkHeader(protocol Protocol, from, to netip.Addr, length int) []byte {
	if to.Is4() {
		header := make([]byte, 20)
		header[0] = 0x45
		binary.BigEndian.PutUint16(header[2:], uint16(20+length))
		header[8], header[9] = timeToLive, protocolNumbers[protocol]
		copy(header[12:], from.AsSlice())
		copy(header[16:], to.AsSlice())
		binary.BigEndian.PutUint16(header[10:], ^fold(sum(header)))
		return header
	}
	header := make([]byte, 40)
	header[0] = 0x60
	binary.BigEndian.PutUint16(header[4:], uint16(length))
	header[6], header[7] = protocolNumbers[protocol], timeToLive
	copy(header[8:], from.AsSlice())
	copy(header[24:], to.AsSlice())
	return header
}

// sum adds up 16-bit words, as the Internet checksum does.
func sum(words []byte) (total uint32) {
	for i := 0; i < len(words); i += 2 {
		total += uint32(binary.BigEndian.Uint16(words[i:]))
	}
	return total
}

func fold(total uint32) uint16 {
	for total > 0xffff {
		total = total>>16 + total&0xffff
	}
	return uint16(total)
}
