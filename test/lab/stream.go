package lab

import (
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"net/netip"
	"sync"
	"time"
)

// Stream is a connection to an echo server that lives long: it sends bytes at a
// steady pace and compares what comes back.
type Stream struct {
	// Name says whence and whither.
	Name string

	connection *net.TCPConn
	sent       chan time.Time // when the chunks on their way were sent, oldest first
	done       sync.WaitGroup

	mutex sync.Mutex
	state StreamState
	ended bool // by Close
}

// StreamState is what became of a stream so far.
type StreamState struct {
	// Bytes that came back as they were sent.
	Bytes int64
	// Slowest is how long the slowest chunk took to come back, or has been on
	// its way.
	Slowest time.Duration
	// SlowestAt is when that chunk was sent.
	SlowestAt time.Time
	// Resent packets, of those that this end sent, and among them Needless
	// ones, of which the other end says that it had them already: a busy
	// machine is late with its answers.
	Resent, Needless int
	// Broken says why no more comes back.
	Broken error
}

const (
	// A chunk of a stream leaves room for a few hundred streams on one processor.
	chunkSize     = 1024
	chunkInterval = 10 * time.Millisecond
	// chunksOnTheWay is more than fit into the buffers of a connection.
	chunksOnTheWay = 1 << 16
)

// OpenStream connects from an address of the namespace to an echo server and
// keeps bytes going round until the stream is closed.
func (n *Namespace) OpenStream(from netip.Addr, to netip.AddrPort, patience time.Duration) (*Stream, error) {
	connection, err := n.Dial(TCP, from, to, patience)
	if err != nil {
		return nil, fmt.Errorf("open a stream from %s to %s: %w", from, to, err)
	}
	s := &Stream{
		Name:       fmt.Sprintf("%s -> %s", from, to),
		connection: connection.(*net.TCPConn),
		sent:       make(chan time.Time, chunksOnTheWay),
	}
	// Both ends make the same bytes, so that what comes back too early, too
	// late or twice is seen.
	seed := rand.Uint64()
	s.done.Go(func() { s.send(rand.NewPCG(seed, 0)) })
	s.done.Go(func() { s.receive(rand.NewPCG(seed, 0)) })
	return s, nil
}

func (s *Stream) send(source rand.Source) {
	ticker := time.NewTicker(chunkInterval)
	defer ticker.Stop()
	defer close(s.sent)
	chunk := make([]byte, chunkSize)
	for range ticker.C {
		fill(chunk, source)
		select {
		case s.sent <- time.Now():
		default: // the stream has stalled for minutes, and its state says so
		}
		if _, err := s.connection.Write(chunk); err != nil {
			s.fail(err)
			return
		}
	}
}

func (s *Stream) receive(source rand.Source) {
	want, got := make([]byte, chunkSize), make([]byte, chunkSize)
	for sentAt := range s.sent {
		if err := s.await(got, sentAt); err != nil {
			s.fail(err)
			return
		}
		fill(want, source)
		if string(got) != string(want) {
			s.fail(errors.New("other bytes came back than were sent"))
			return
		}
		s.mutex.Lock()
		s.state.Bytes += chunkSize
		s.mutex.Unlock()
	}
}

// await reads a chunk, and notes how long it takes also while it does not come.
func (s *Stream) await(chunk []byte, sentAt time.Time) error {
	filled := 0
	for filled < len(chunk) {
		if err := s.connection.SetReadDeadline(time.Now().Add(10 * chunkInterval)); err != nil {
			return err
		}
		length, err := s.connection.Read(chunk[filled:])
		filled += length
		s.noteDelay(sentAt)
		var late net.Error
		if err != nil && (!errors.As(err, &late) || !late.Timeout()) {
			return err
		}
	}
	return nil
}

func (s *Stream) noteDelay(sentAt time.Time) {
	s.mutex.Lock()
	defer s.mutex.Unlock()
	if delay := time.Since(sentAt); delay > s.state.Slowest {
		s.state.Slowest, s.state.SlowestAt = delay, sentAt
	}
}

// fail notes the first failure; those that come of closing are none.
func (s *Stream) fail(err error) {
	_ = s.connection.Close()
	s.mutex.Lock()
	defer s.mutex.Unlock()
	if s.ended || s.state.Broken != nil {
		return
	}
	if errors.Is(err, io.EOF) {
		err = errors.New("the other end closed it")
	}
	s.state.Broken = err
}

// State tells how the stream does.
func (s *Stream) State() StreamState {
	s.mutex.Lock()
	defer s.mutex.Unlock()
	if info, err := tcpInfo(s.connection); err == nil { // else it is closed
		s.state.Resent, s.state.Needless = int(info.Total_retrans), int(info.Dsack_dups)
	}
	return s.state
}

// lateAnswers is how long the other end may take to say that it had a packet
// already.
const lateAnswers = time.Second

// Close ends the stream and tells how it did.
func (s *Stream) Close() StreamState {
	_ = await(lateAnswers, func() error {
		if state := s.State(); state.Resent > state.Needless {
			return errors.New("a packet was resent, and nobody had it already")
		}
		return nil
	})
	s.mutex.Lock()
	s.ended = true
	s.mutex.Unlock()
	_ = s.connection.Close()
	s.done.Wait()
	return s.State()
}

// fill writes bytes that the source alone determines.
func fill(chunk []byte, source rand.Source) {
	for at := 0; at+8 <= len(chunk); at += 8 {
		number := source.Uint64()
		for i := range 8 {
			chunk[at+i] = byte(number >> (8 * i))
		}
	}
}
