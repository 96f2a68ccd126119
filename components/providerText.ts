/**
 * The provider's code in the states: what Pulumi calls for ever, also by a newer version of this package. A state has it
 * twice for each resource, so it is short. These letters must never change, and what they call must stay, as must what the
 * texts of earlier versions call ({@link ../provider/index.ts}): another text may stand beside these, and no difference
 * comes of it. Their quotes are those that JSON does not escape. The SDK would make a text of a provider object, ten times
 * as long, and in every run of the program.
 */

/** The methods that the engine calls. */
const METHODS = "configure check diff create read update delete";

/** Finds the package's provider from the program's folder: it is in its node_modules, or the folder is this package. */
const FROM_PROGRAM =
  "require('module').createRequire(process.cwd()+'/package.json')('pulumi-openbsd-postfix/provider')";

/**
 * The same for a program that has this package only through another one, where node_modules is strict or nested (pnpm,
 * some installations by npm): looks through the dependencies of the program, and theirs, the nearest first; what is added
 * on the way is visited as well. A destroy runs no program, so the text has to do that by itself.
 */
const THROUGH_PACKAGES = `(()=>{
const{createRequire}=require('module'),{existsSync,realpathSync}=require('fs'),folders=new Set([process.cwd()]);
const attempt=(f)=>{try{return f()}catch{}};
for(const folder of folders){
const load=createRequire(folder+'/package.json'),found=attempt(()=>load.resolve('pulumi-openbsd-postfix/provider'));
if(found)return load(found);
const{dependencies,devDependencies}=attempt(()=>load('./package.json'))??{};
for(const name of Object.keys({...dependencies,...devDependencies})){
const place=load.resolve.paths(name)?.map(m=>m+'/'+name).find(p=>existsSync(p));
if(place)folders.add(realpathSync(place))}}
throw new Error('pulumi-openbsd-postfix is neither in the node_modules of '+process.cwd()+' nor in those of the packages that its package.json names: install it there')})()`;

/** How a text finds the package. */
export type Finding = "from the program" | "through packages";

/** The text for a kind. */
export function providerText(kind: string, finding: Finding): string {
  const provider = finding === "from the program" ? FROM_PROGRAM : THROUGH_PACKAGES;
  const call = `(...a)=>${provider}[m]('${kind}',...a)`;
  return `exports.handler=()=>Object.fromEntries('${METHODS}'.split(' ').map(m=>[m,${call}]));\n`;
}
