import { spawnWorker, InterruptedError } from 'maltster'
const boots=[]
for (let i=0;i<8;i++){const t=performance.now(); const w=await spawnWorker(); boots.push(Math.round(performance.now()-t)); if(i===7){const s=await w.stats(); console.log(s)} await w.stop()}
console.log('boot', boots)
const w=await spawnWorker({name:'k'})
const e=w.call(function spin(){ let n=0; for(;;) n++ }).catch(e=>e)
console.log(await w.interrupt()); const err=await e; console.log(err.stack, err.at)
// remote error
console.log((await w.call(()=>{ const e=new TypeError('no'); e.code='E1'; throw e }).catch(e=>e)).stack)
// native
const p=w.call(async()=>{ const {pbkdf2Sync}=await import('node:crypto'); pbkdf2Sync('a','b',3e6,64,'sha512'); return 1}).then(v=>['value',v],e=>['error',e.name, e.executed, e.collateral])
await new Promise(r=>setTimeout(r,200))
const t=performance.now(); console.log('native', await w.interrupt(), performance.now()-t); console.log(await p, performance.now()-t)
// capture errors
await w.call(()=>boots).catch(e=>console.log(e.name, e.message))
const t2=performance.now(); for(let i=0;i<2000;i++) await w.call((a,b)=>a+b,[1,2]); console.log('seq us', (performance.now()-t2)/2)
await w.stop()
