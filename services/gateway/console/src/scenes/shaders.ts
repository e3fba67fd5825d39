// How Gaussians become pixels: each a quad over its ellipse, composited into three layers, which are then put together.
//
// A layer's colour is multiplied by its own alpha, so that one "over" blends all three: what is transmitted; of it the
// share of the reflection and the inverse depth; what is reflected.

import { WIDTH } from './texels'

export const GAUSSIAN_VERTEX = `#version 300 es
precision highp float;
precision highp int;
precision highp usampler2D;

uniform sampler2D geometry;
uniform usampler2D sorted;
uniform uint first;
uniform float growth;
uniform mat4 view;
uniform vec2 focal;
uniform vec2 size;
uniform float near;
uniform bool antialiased;

flat out vec3 transmitted;
flat out vec3 reflected;
flat out vec2 opacities;
flat out float weight;
flat out float inverseDepth;
out vec2 deviations;

const float FAINT = 1.0 / 255.0;

const uint WIDTH = ${WIDTH}u;

ivec2 place(uint at) {
  return ivec2(int(at % WIDTH), int(at / WIDTH));
}

vec3 unpacked(uint colour) {
  return vec3(colour & 1023u, (colour >> 10) & 1023u, (colour >> 20) & 1023u) / 511.5;
}

void main() {
  // Four vertices a Gaussian.
  uvec3 drawn = texelFetch(sorted, place(first + uint(gl_VertexID >> 2)), 0).xyz;
  vec4 middle = texelFetch(geometry, place(3u * drawn.x), 0);
  vec4 spread = texelFetch(geometry, place(3u * drawn.x + 1u), 0);
  vec4 rest = texelFetch(geometry, place(3u * drawn.x + 2u), 0);
  vec3 centre = (view * vec4(middle.xyz, 1.0)).xyz;
  gl_Position = vec4(0.0, 0.0, 2.0, 1.0);
  if (centre.z <= near) return;

  mat3 covariance = growth * mat3(spread.xyz, spread.yw, rest.x, spread.z, rest.xy);
  // The projection is taken as linear where the Gaussian stands, but no farther out than a little beyond the picture.
  vec2 limit = 1.3 * 0.5 * size / focal;
  vec2 slope = clamp(centre.xy / centre.z, -limit, limit);
  vec3 across = vec3(focal.x / centre.z, 0.0, -focal.x * slope.x / centre.z);
  vec3 along = vec3(0.0, focal.y / centre.z, -focal.y * slope.y / centre.z);
  mat3 turn = mat3(view);
  vec3 u = across * turn;
  vec3 v = along * turn;
  vec3 cu = covariance * u;
  float a = dot(u, cu);
  float b = dot(v, cu);
  float c = dot(v, covariance * v);
  float sharp = a * c - b * b;
  a += 0.3;
  c += 0.3;
  float blurred = a * c - b * b;

  opacities = vec2(middle.w, rest.z);
  if (antialiased) opacities *= sqrt(max(sharp / blurred, 0.0));
  float most = max(opacities.x, opacities.y);
  if (most < FAINT) return;
  float reach = min(sqrt(2.0 * log(most / FAINT)), 3.33);

  float mean = 0.5 * (a + c);
  float apart = length(vec2(0.5 * (a - c), b));
  vec2 axis = abs(b) > 1e-6 ? normalize(vec2(b, mean + apart - a)) : (a >= c ? vec2(1.0, 0.0) : vec2(0.0, 1.0));
  vec2 corner = vec2(gl_VertexID & 1, (gl_VertexID >> 1) & 1) * 2.0 - 1.0;
  deviations = reach * corner;
  vec2 offset = deviations.x * sqrt(mean + apart) * axis
    + deviations.y * sqrt(max(mean - apart, 0.1)) * vec2(-axis.y, axis.x);
  vec2 pixel = focal * centre.xy / centre.z + offset;
  gl_Position = vec4(2.0 * pixel.x / size.x, -2.0 * pixel.y / size.y, 0.0, 1.0);

  transmitted = unpacked(drawn.y);
  reflected = unpacked(drawn.z);
  weight = rest.w;
  inverseDepth = near / centre.z;
}`

export const GAUSSIAN_FRAGMENT = `#version 300 es
precision highp float;

flat in vec3 transmitted;
flat in vec3 reflected;
flat in vec2 opacities;
flat in float weight;
flat in float inverseDepth;
in vec2 deviations;

layout(location = 0) out vec4 seen;
layout(location = 1) out vec4 shares;
layout(location = 2) out vec4 mirrored;

void main() {
  vec2 alphas = min(opacities * exp(-0.5 * dot(deviations, deviations)), 0.999);
  alphas *= step(1.0 / 255.0, alphas);
  if (alphas.x + alphas.y == 0.0) discard;
  seen = vec4(transmitted * alphas.x, alphas.x);
  shares = vec4(weight * alphas.x, inverseDepth * alphas.x, 0.0, alphas.x);
  mirrored = vec4(reflected * alphas.y, alphas.y);
}`

export const PICTURE_VERTEX = `#version 300 es
void main() {
  gl_Position = vec4(vec2((gl_VertexID << 1) & 2, gl_VertexID & 2) * 2.0 - 1.0, 0.0, 1.0);
}`

/** The picture of one component, as large as the layers: as the service renders it, over black. */
export const PICTURE_FRAGMENT = `#version 300 es
precision highp float;

uniform sampler2D seen;
uniform sampler2D shares;
uniform sampler2D mirrored;
uniform int component;
uniform float nearest;

out vec4 colour;

void main() {
  ivec2 place = ivec2(gl_FragCoord.xy);
  vec4 share = texelFetch(shares, place, 0);
  vec3 picture = vec3(0.0);
  if (component == 3) picture = vec3(share.a > 0.0 ? share.y / share.a * nearest : 0.0);
  if (component == 0 || component == 1) picture += (1.0 - share.x) * texelFetch(seen, place, 0).rgb;
  if (component == 0 || component == 2) picture += share.x * texelFetch(mirrored, place, 0).rgb;
  colour = vec4(clamp(picture, 0.0, 1.0), 1.0);
}`
