package ratelimit
import ("testing";"fmt";"bufio";"os";"strings";"strconv")
func lines(f string)[]string{ b,_:=os.Open(f); s:=bufio.NewScanner(b); var l []string; for s.Scan(){l=append(l,s.Text())}; return l}
func TestTry(t *testing.T){
 for _,l:=range lines("/tmp/good.txt"){ if strings.HasPrefix(l,"# "){fmt.Printf("\n\t\t// %s\n",l[2:]);continue}
  q:=strconv.Quote(strings.NewReplacer("\\n","\n","\\t","\t","\\r","\r","\\x20"," ").Replace(l)); u,_:=strconv.Unquote(q)
  r,e:=ParseData(u); if e!=nil {fmt.Println("BAD",q,e)} else {fmt.Printf("\t\t{%s, %q},\n",q,r)}}
 fmt.Println("-----")
 for _,l:=range lines("/tmp/bad.txt"){ if strings.HasPrefix(l,"# "){fmt.Printf("\n\t\t// %s\n",l[2:]);continue}
  u:=strings.NewReplacer("\\n","\n","\\t","\t","\\r","\r","\\x20"," ","\\x00","\x00","\\x7f","\x7f","\\xff","\xff").Replace(l); q:=strconv.QuoteToASCII(u); if strings.Contains(q,`\"`){q="`"+u+"`"}
  r,e:=ParseData(u); if e==nil {fmt.Println("GOOD",q,r)} else {m,_,_:=strings.Cut(e.Error(),": write for"); s:=fmt.Sprintf("%q",m); if strings.Contains(s,`\"`)&&!strings.Contains(m,"`"){s="`"+m+"`"}; fmt.Printf("\t\t{%s, %s, \"\"},\n",q,s)}}
}
